package dev.gyre.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each kernel against the plain operations that it replaces, in float64. */
class KernelsTest {
    private Scope scope;
    private Random random;

    @BeforeEach
    void open() {
        scope = Scope.open();
        random = Random.seeded(11);
    }

    @AfterEach
    void close() {
        random.close();
        scope.close();
    }

    static void assertClose(Tensor actual, Tensor expected, double tolerance) {
        double worst = actual.to(DType.F64).minus(expected).abs().max().item();
        double scale = Math.max(1, expected.abs().max().item());
        assertThat(worst / scale).isLessThan(tolerance);
    }

    @ParameterizedTest
    @CsvSource({
        "1,32,1",
        "11,16,3",
        "70,48,2",
        "3,32,4",
        "64,64,2",
        "131,32,18",
        "200,128,3",
        "66,256,2"
    })
    void blockRotationAndItsGradients(int rows, int b, int blocks) {
        Tensor x = random.normal(rows, (long) b * blocks);
        Tensor dy = random.normal(rows, (long) b * blocks);
        Tensor r = random.normal(blocks, b, b);
        assertThat(Kernels.fitRotation(x, r)).isTrue();
        Tensor y = x.emptyLike();
        Tensor dx = x.emptyLike();
        Tensor sum = r.copy();
        BlockRotation.rotate(x, r, y);
        BlockRotation.rotateBack(dy, r, dx);
        BlockRotation.gradient(x, dy, sum);
        Tensor px = panels(x, b);
        Tensor pdy = panels(dy, b);
        Tensor wide = r.to(DType.F64);
        assertClose(panels32(y, b), px.matmul(wide), 1e-5);
        assertClose(panels32(dx, b), pdy.matmul(wide.transpose(1, 2)), 1e-5);
        assertClose(sum, wide.plus(px.transpose(1, 2).matmul(pdy)), 1e-5);
    }

    @ParameterizedTest
    @CsvSource({"16,48,16", "70,50,32", "131,576,16", "33,7,48", "512,192,16"})
    void thinProducts(int rows, int wide, int rank) {
        Tensor x = random.normal(rows, wide);
        assertThat(Kernels.fitThin(x, rank)).isTrue();
        Tensor thin = random.normal(wide, rank);
        Tensor h = Tensor.empty(DType.F32, rows, rank);
        ThinProducts.narrow(x, thin, h);
        Tensor exact = x.to(DType.F64);
        assertClose(h, exact.matmul(thin.to(DType.F64)), 1e-6);
        Tensor sum = random.normal(wide, rank);
        Tensor wanted = sum.to(DType.F64).plus(exact.transpose(0, 1).matmul(h.to(DType.F64)));
        ThinProducts.addGradient(x, h, sum);
        assertClose(sum, wanted, 1e-6);
    }

    private static Tensor panels(Tensor x, long b) {
        return panels32(x, b).to(DType.F64);
    }

    private static Tensor panels32(Tensor x, long b) {
        return x.view(x.size(0), x.size(1) / b, b).transpose(0, 1).contiguous();
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 48, 64, 96, 128, 256})
    void squareBlocks(int b) {
        Tensor a = random.normal(5, b, b);
        Tensor c = random.normal(5, b, b);
        Tensor out = random.normal(5, b, b);
        Tensor product = a.to(DType.F64).matmul(c.to(DType.F64));
        SquareBlocks.product(a, c, out);
        assertClose(out, product, 1e-5);
    }

    @ParameterizedTest
    @CsvSource({"1,16,2", "5,48,4", "40,96,8", "33,64,16", "70,192,32", "9,576,64"})
    void pairsTurnAndTurnBack(int rows, int width, int group) {
        Tensor x = random.normal(rows, width);
        Tensor dy = random.normal(rows, width);
        Tensor a = random.normal(width);
        Tensor b = random.normal(width);
        assertThat(Kernels.fitPairs(x, a, b, group)).isTrue();
        Tensor m = pairs(a.to(DType.F64), b.to(DType.F64), width, group);
        Tensor y = x.emptyLike();
        PairTurn.turn(x, a, b, group, y);
        assertClose(y, x.to(DType.F64).linear(m), 1e-5);
        Tensor dx = x.emptyLike();
        PairTurn.turnBack(dy, a, b, group, dx);
        assertClose(dx, dy.to(DType.F64).matmul(m), 1e-5);
        Tensor da = a.copy();
        Tensor db = b.copy();
        PairTurn.gradients(x, dy, group, da, db);
        Tensor h =
                pairs(Tensor.zeros(DType.F64, width), Tensor.ones(DType.F64, width), width, group);
        Tensor d = dy.to(DType.F64);
        assertClose(da, a.to(DType.F64).plus(x.to(DType.F64).times(d).sum(0, false)), 1e-5);
        Tensor swapped = x.to(DType.F64).linear(h);
        assertClose(db, b.to(DType.F64).plus(swapped.times(d).sum(0, false)), 1e-5);
    }

    /** The matrix of x ↦ a ⊙ x + b ⊙ h(x). */
    private static Tensor pairs(Tensor a, Tensor b, int width, int group) {
        double[] direct = a.toDoubles();
        double[] crossed = b.toDoubles();
        double[] m = new double[width * width];
        for (int i = 0; i < width; i++) {
            boolean first = i % group < group / 2;
            int other = first ? i + group / 2 : i - group / 2;
            m[i * width + i] = direct[i];
            m[i * width + other] = first ? -crossed[i] : crossed[i];
        }
        return Tensor.of(m, width, width);
    }

    @ParameterizedTest
    @CsvSource({"5,40,24,100", "64,17,3,51", "200,96,64,700", "130,1,33,1", "300,3,4096,500"})
    void sparseProductAndItsGradients(int rows, int out, int in, int count) {
        Tensor x = random.normal(rows, in);
        Tensor dy = random.normal(rows, out);
        Tensor values = random.normal(count);
        int[] all = random.permutation(out * in);
        long[] places = java.util.Arrays.stream(all).limit(count).asLongStream().toArray();
        var product = new SparseProduct(places, out, in);
        Tensor where = Tensor.of(places);
        Tensor dense = Tensor.zeros(DType.F64, (long) out * in);
        dense.scatterInPlace(0, where, values.to(DType.F64));
        Tensor m = dense.view(out, in);
        Tensor y = dy.copy();
        product.addProduct(values, 0.5f, x, y);
        assertClose(y, dy.to(DType.F64).plus(x.to(DType.F64).linear(m).times(0.5)), 1e-5);
        Tensor dx = random.normal(rows, in);
        Tensor sums = values.copy();
        product.backward(values, 0.5f, x, dy, dx, sums);
        assertClose(dx, dy.to(DType.F64).matmul(m).times(0.5), 1e-5);
        Tensor whole = dy.to(DType.F64).transpose(0, 1).matmul(x.to(DType.F64)).view(-1);
        Tensor gradient = whole.indexSelect(0, where).times(0.5);
        assertClose(sums, values.to(DType.F64).plus(gradient), 1e-5);
    }

    @ParameterizedTest
    @CsvSource({
        "1,1,16",
        "3,1,32",
        "5,1,4096",
        "1,12,16",
        "2,36,16",
        "33,36,16",
        "9,20,32",
        "18,12,128",
        "1,172,16",
        "4,28,512"
    })
    void hadamardTransforms(int rows, int k, int length) {
        Tensor x = random.normal(rows, (long) k * length);
        // Not orthogonal, nor symmetric: a wrong side or order would show.
        Tensor high = k == 1 ? null : random.normal(k, k);
        assertThat(Kernels.fitHadamard(x, high)).isTrue();
        Tensor low = sylvester(length);
        Tensor wide = high == null ? Tensor.ones(DType.F64, 1, 1) : high.to(DType.F64);
        // H_K·X·H_L, row by row.
        Tensor parts = x.to(DType.F64).view(rows, k, length).matmul(low);
        Tensor y = x.emptyLike();
        WalshHadamard.transform(x, high, y);
        assertClose(y.view(rows, k, length), wide.matmul(parts), 1e-5);
        WalshHadamard.transformBack(x, high, y);
        assertClose(y.view(rows, k, length), wide.transpose(0, 1).matmul(parts), 1e-5);
    }

    private static Tensor sylvester(int n) {
        double[] h = new double[n * n];
        for (int i = 0; i < h.length; i++) h[i] = 1 - 2 * (Integer.bitCount(i / n & i % n) & 1);
        return Tensor.of(h, n, n);
    }

    @Test
    void hadamardLeavesNarrowPartsAndOtherTypesToOthers() {
        assertThat(Kernels.fitHadamard(random.normal(3, 24), random.normal(12, 12))).isFalse();
        Tensor x = random.normal(3, 64);
        assertThat(Kernels.fitHadamard(x.to(DType.F64), null)).isFalse();
        assertThat(Kernels.fitHadamard(x.transpose(0, 1), null)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"1,16", "7,48", "100,576"})
    void rootMeanSquare(int rows, int width) {
        Tensor x = random.normal(rows, width);
        Tensor w = random.normal(width);
        Tensor dy = random.normal(rows, width);
        Tensor y = x.emptyLike();
        Tensor again = x.emptyLike();
        Tensor scale = Tensor.empty(DType.F32, rows, 1);
        RootMeanSquare.normalise(x, w, 1e-5, y, scale);
        RootMeanSquare.normaliseAgain(x, scale, w, again);
        Tensor wide = x.to(DType.F64);
        Tensor s = wide.times(wide).mean(1, true).plus(1e-5).rsqrt();
        Tensor unit = wide.times(s);
        assertClose(y, unit.times(w.to(DType.F64)), 1e-6);
        assertThat(again.sameAs(y)).isTrue();
        Tensor g = dy.to(DType.F64).times(w.to(DType.F64));
        Tensor expected = g.minus(unit.times(g.times(unit).mean(1, true))).times(s);
        Tensor dx = x.emptyLike();
        RootMeanSquare.back(x, scale, w, dy, null, dx);
        assertClose(dx, expected, 1e-6);
        RootMeanSquare.back(x, scale, w, dy, dx, dx);
        assertClose(dx, expected.times(2), 1e-6);
    }

    @ParameterizedTest
    @CsvSource({"1,16", "5,1536", "33,4096"})
    void siluGate(int rows, int width) {
        Tensor gate = random.normal(rows, width).timesInPlace(8);
        Tensor up = random.normal(rows, width);
        Tensor dy = random.normal(rows, width);
        Tensor y = gate.emptyLike();
        Tensor dgate = gate.emptyLike();
        Tensor dup = gate.emptyLike();
        SiluGate.gate(gate, up, y);
        SiluGate.back(gate, up, dy, dgate, dup);
        Tensor g = gate.to(DType.F64);
        Tensor d = dy.to(DType.F64);
        assertClose(y, g.silu().times(up.to(DType.F64)), 1e-6);
        assertClose(dup, d.times(g.silu()), 1e-6);
        assertClose(dgate, g.siluBackward(d.times(up.to(DType.F64))), 1e-6);
    }

    @ParameterizedTest
    @CsvSource({"1,1,32", "9,3,64", "40,9,128"})
    void rotaryTurnsAndTurnsBack(int rows, int heads, int width) {
        Tensor x = random.normal(rows, heads, width);
        Tensor angle = random.normal(rows, 1, width / 2).to(DType.F64);
        Tensor cos = sine(angle.plus(Math.PI / 2)).to(DType.F32);
        Tensor sin = sine(angle).to(DType.F32);
        Tensor y = x.emptyLike();
        Tensor back = x.emptyLike();
        RotaryTurn.turn(x, cos, sin, false, y);
        RotaryTurn.turn(y, cos, sin, true, back);
        Tensor a = x.to(DType.F64).narrow(2, 0, width / 2);
        Tensor b = x.to(DType.F64).narrow(2, width / 2, width / 2);
        Tensor first = a.times(cos.to(DType.F64)).minus(b.times(sin.to(DType.F64)));
        assertClose(y.narrow(2, 0, width / 2), first, 1e-6);
        assertClose(back, x.to(DType.F64), 1e-5);
    }

    private static Tensor sine(Tensor angle) {
        double[] values = angle.toDoubles();
        for (int i = 0; i < values.length; i++) values[i] = Math.sin(values[i]);
        return Tensor.of(values, angle.shape());
    }

    @ParameterizedTest
    @CsvSource({"1,16,1", "6,4096,30", "3,1040,90"})
    void softmaxLoss(int rows, int vocabulary, double spread) {
        Tensor z = random.normal(rows, vocabulary).timesInPlace(spread);
        int[] labels = new int[rows];
        for (int i = 0; i < rows; i++) labels[i] = (i * 7 + 3) % vocabulary;
        Tensor wide = z.to(DType.F64);
        Tensor log = wide.logSoftmax(1);
        Tensor at = Tensor.of(labels).unsqueeze(1);
        double loss = -log.gather(1, at).sum().item();
        Tensor gradient = log.exp();
        gradient.scatterInPlace(1, at, gradient.gather(1, at).plus(-1));
        assertThat(SoftmaxLoss.replace(z, labels, 0.25))
                .isCloseTo(loss, within(1e-5 * Math.max(1, loss)));
        assertClose(z, gradient.timesInPlace(0.25), 1e-6);
    }

    /** The largest logit leaves out what is no number; the loss must not. */
    @ParameterizedTest
    @ValueSource(ints = {0, 5, 63})
    void whatIsNoNumberReachesTheLoss(int at) {
        Tensor z = random.normal(1, 64);
        z.narrow(1, at, 1).fillInPlace(Double.NaN);
        assertThat(SoftmaxLoss.replace(z, new int[] {7}, 1)).isNaN();
    }

    @Test
    void exponentialIsExactToTheLastPlaces() {
        Tensor x =
                Tensor.of(
                        new float[] {
                            -200, -87, -10.5f, -1, -1e-6f, 0, 1e-6f, 0.5f, 1, 2.25f, 20, 60, 88,
                            0.1f, -0.1f, 3
                        });
        Tensor padded = Tensor.cat(java.util.List.of(x, x), 0);
        Lanes.store(Lanes.exp(Lanes.load(Lanes.address(padded))), Lanes.address(padded));
        double[] got = padded.toDoubles();
        float[] at = x.toFloats();
        for (int i = 1; i < Lanes.COUNT && i < at.length; i++) {
            double exact = Math.exp(at[i]);
            assertThat(got[i]).isCloseTo(exact, within(exact * 2.5e-7));
        }
        assertThat(got[0]).isLessThan(1e-37);
    }

    @Test
    void otherTypesAndViewsAreLeftToThePlainOperations() {
        Tensor x = random.normal(4, 64);
        Tensor blocks = random.normal(2, 32, 32);
        assertThat(Kernels.fitRotation(x.to(DType.F64), blocks)).isFalse();
        assertThat(Kernels.fitRotation(x, blocks.transpose(1, 2))).isFalse();
        assertThat(Kernels.fitRotation(x, random.normal(9, 7, 7))).isFalse();
        assertThat(Kernels.fitGate(random.normal(3, 5), random.normal(3, 5))).isFalse();
        assertThat(Kernels.fitThin(x, 16)).isFalse();
        assertThat(Kernels.fitThin(random.normal(64, 64), 12)).isFalse();
        assertThat(Kernels.fitThin(random.normal(64, 64), 64)).isFalse();
    }
}
