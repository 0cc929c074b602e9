package dev.gyre.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.InScope;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.Kernels;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Golden vectors and identities of the Cayley maps; the numbers are PEFT's formulas in float64. */
@ExtendWith(InScope.class)
class CayleyTest {
    static Stream<Cayley> maps() {
        return Stream.concat(
                IntStream.rangeClosed(2, 8).mapToObj(t -> new Cayley.Neumann(t, false)),
                Stream.of(
                        new Cayley.Neumann(5, true),
                        new Cayley.Neumann(7, true),
                        new Cayley.Exact()));
    }

    private static Tensor v(int r, int b, double scale) {
        try (var random = Random.seeded(3)) {
            return random.normal(r, Skew.packed(b)).to(DType.F64).timesInPlace(scale);
        }
    }

    private static double distance(Tensor a, Tensor b) {
        return a.minus(b).abs().max().item();
    }

    @Test
    void packsTheUpperTriangleRowByRow() {
        double[] q =
                Skew.of(4).matrix(Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 1, 6)).toDoubles();
        assertThat(q).containsExactly(0, 1, 2, 3, -1, 0, 4, 5, -2, -4, 0, 6, -3, -5, -6, 0);
        assertThat(Skew.blockSize(496)).isEqualTo(32);
        assertThatThrownBy(() -> Skew.blockSize(7)).isInstanceOf(IllegalArgumentException.class);
    }

    record Golden(Cayley map, double[] r) {}

    static Stream<Golden> goldens() {
        return Stream.of(
                new Golden(
                        new Cayley.Neumann(2, false),
                        new double[] {1, .2, -.4, -.2, 1, .6, .4, -.6, 1}),
                new Golden(
                        new Cayley.Neumann(3, false),
                        new double[] {.9, .306, -.312, -.066, .8, .598, .432, -.518, .74}),
                new Golden(
                        new Cayley.Neumann(4, false),
                        new double[] {.9, .306, -.312, -.066, .8, .598, .432, -.518, .74}),
                new Golden(
                        new Cayley.Neumann(5, false),
                        new double[] {
                            .907, .2836, -.2882, -.0604, .814, .5532, .3998, -.4788, .7582
                        }),
                new Golden(
                        new Cayley.Neumann(6, false),
                        new double[] {
                            .914, .27716, -.29632, -.07076, .828, .55628, .39952, -.48748, .7764
                        }),
                new Golden(
                        new Cayley.Neumann(5, true),
                        new double[] {
                            .914, .2752, -.2924, -.0688, .828, .5504, .3956, -.4816, .7764
                        }),
                new Golden(
                        new Cayley.Exact(),
                        new double[] {
                            .9122807018,
                            -.0701754386,
                            .4035087719,
                            .2807017544,
                            .8245614035,
                            -.4912280702,
                            -.2982456140,
                            .5614035088,
                            .7719298246
                        }));
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void givesTheGoldenRotation(Golden golden) {
        Tensor q = Skew.of(3).matrix(Tensor.of(new double[] {.1, -.2, .3}, 1, 3));
        assertThat(golden.map.rotation(q).toDoubles()).containsExactly(golden.r, within(1e-9));
    }

    @Test
    void givesTheGoldenGradients() {
        double[] series = gradientOfGolden(new Cayley.Neumann(5, false));
        assertThat(series).containsExactly(new double[] {5.272, -5.704, -14.504}, within(1e-9));
        double[] exact = gradientOfGolden(new Cayley.Exact());
        assertThat(exact)
                .containsExactly(
                        new double[] {11.8190212373, 7.9409048938, -6.6481994460}, within(1e-9));
    }

    private static double[] gradientOfGolden(Cayley map) {
        Tensor q = Skew.of(3).matrix(Tensor.of(new double[] {.1, -.2, .3}, 1, 3));
        Tensor g = Tensor.of(new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 3, 3);
        return Skew.of(3).gradient(map.pullback(q, g)).toDoubles();
    }

    @ParameterizedTest
    @MethodSource("maps")
    void startsAtTheIdentityBitForBit(Cayley map) {
        Tensor r = map.apply(Tape.off(), Var.constant(Tensor.zeros(DType.F32, 2, 10)), 5).value();
        assertThat(r.sameAs(Tensor.eye(DType.F32, 5).expand(2, 5, 5).contiguous())).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 5, 6, 7, 8})
    void theSeriesDiffersFromTheExactRotationByThePowerOfQ(int terms) {
        int degree = Math.max(terms - 1, 3);
        Tensor v = v(3, 6, 0.2);
        Tensor q = Skew.of(6).matrix(v);
        Tensor exact = new Cayley.Exact().rotation(q.negate());
        Tensor power = Tensor.eye(DType.F64, 6).expand(3, 6, 6);
        for (int i = 0; i < degree; i++) power = power.matmul(q);
        Tensor expected = exact.matmul(Tensor.eye(DType.F64, 6).minus(power));
        assertThat(distance(new Cayley.Neumann(terms, false).rotation(q), expected))
                .isLessThan(1e-12);
    }

    @Test
    void legacyAddsTheLastPowerOnceMore() {
        Tensor q = Skew.of(6).matrix(v(3, 6, 0.2));
        Tensor power = q.matmul(q).matmul(q).matmul(q);
        Tensor expected = new Cayley.Neumann(5, false).rotation(q).plus(power);
        assertThat(distance(new Cayley.Neumann(5, true).rotation(q), expected)).isLessThan(1e-13);
    }

    @Test
    void threeAndFourTermsAreTheSameBits() {
        Tensor q = Skew.of(6).matrix(v(3, 6, 0.2));
        assertThat(
                        new Cayley.Neumann(3, false)
                                .rotation(q)
                                .sameAs(new Cayley.Neumann(4, false).rotation(q)))
                .isTrue();
    }

    @Test
    void theExactMapIsTheInverseOfItsNegative() {
        Tensor q = Skew.of(6).matrix(v(3, 6, 0.4));
        Tensor r = new Cayley.Exact().rotation(q);
        assertThat(
                        distance(
                                r.transpose(1, 2).contiguous(),
                                new Cayley.Exact().rotation(q.negate())))
                .isLessThan(1e-12);
        assertThat(new BlockDiagonal(Var.constant(r), 3).distanceFromOrthogonal())
                .isLessThan(1e-12);
    }

    /** The kernel's f32 against f64, which has none; its error grows with Q, for want of pivots. */
    @ParameterizedTest
    @CsvSource({"16,0.05,2e-6", "32,1,2e-6", "48,0.2,2e-6", "64,20,3e-5", "256,0.1,2e-6"})
    void theExactMapInKernelsIsTheExactMap(int b, double scale, double error) {
        Tensor v = v(3, b, scale);
        Tensor exact = new Cayley.Exact().rotation(Skew.of(b).matrix(v));
        Tensor q = Skew.of(b).matrix(v.to(DType.F32));
        assertThat(distance(new Cayley.Exact().rotation(q).to(DType.F64), exact)).isLessThan(error);
        Tensor none = new Cayley.Exact().rotation(q.zerosLike());
        assertThat(none.sameAs(Tensor.eye(DType.F32, b).expand(3, b, b).contiguous())).isTrue();
    }

    /** f32, in the kernel that goes from v to R and back, against f64, which has none. */
    @ParameterizedTest
    @CsvSource({"16,0.05", "32,0.02", "32,0.2", "48,0.1", "128,0.02", "256,0.02"})
    void theSeriesInKernelsIsTheSeries(int b, double scale) {
        var map = new Cayley.Neumann(5, false);
        Tensor v = v(3, b, scale);
        Tensor g = Skew.of(b).matrix(v).plus(1).times(v(3, b, 1).sum(1, true).unsqueeze(2));
        Tensor small = v.to(DType.F32);
        assertThat(Kernels.fitSeries(small, b)).isTrue();
        Tensor r = map.rotation(Skew.of(b).matrix(v));
        double scaleOfR = r.abs().max().item();
        assertThat(distance(map.rotationOf(small, b).to(DType.F64), r) / scaleOfR).isLessThan(1e-6);
        Tensor dv = map.gradientOf(v, b, g);
        double scaleOfG = dv.abs().max().item();
        assertThat(distance(map.gradientOf(small, b, g.to(DType.F32)).to(DType.F64), dv) / scaleOfG)
                .isLessThan(5e-6);
        Tensor none = map.rotationOf(small.zerosLike(), b);
        assertThat(none.sameAs(Tensor.eye(DType.F32, b).expand(3, b, b).contiguous())).isTrue();
    }

    /** The error of orthogonality in closed form: |(1 − θ⁴)² − 1| for five terms, θ⁶ for four. */
    @ParameterizedTest
    @ValueSource(doubles = {0.1, 0.3, 0.5, 0.8})
    void theErrorOfOrthogonalityIsTheClosedForm(double theta) {
        Tensor q = Skew.of(2).matrix(Tensor.of(new double[] {theta}, 1, 1));
        assertThat(spectralError(new Cayley.Neumann(5, false).rotation(q)))
                .isCloseTo(1 - Math.pow(1 - Math.pow(theta, 4), 2), within(1e-9));
        assertThat(spectralError(new Cayley.Neumann(4, false).rotation(q)))
                .isCloseTo(Math.pow(theta, 6), within(1e-9));
        assertThat(spectralError(new Cayley.Neumann(2, false).rotation(q)))
                .isCloseTo(4 * theta * theta, within(1e-9));
    }

    private static double spectralError(Tensor r) {
        return r.transpose(1, 2)
                .matmul(r)
                .minus(Tensor.eye(DType.F64, r.size(1)))
                .singularValues()
                .max()
                .item();
    }

    @ParameterizedTest
    @MethodSource("maps")
    void theHandWrittenGradientEqualsAutomaticDifferentiation(Cayley map) {
        Tensor g =
                v(3, 6, 1)
                        .indexSelect(
                                1, Tensor.of(IntStream.range(0, 36).map(i -> i % 15).toArray()))
                        .view(3, 6, 6);
        double[] byHand = gradient(v -> tape -> map.apply(tape, v, 6), g);
        double[] byMachine =
                gradient(
                        v ->
                                tape ->
                                        tape.auto(
                                                (List<Tensor> in) ->
                                                        map.rotation(
                                                                Skew.of(6).matrix(in.getFirst())),
                                                v),
                        g);
        assertThat(byHand).containsExactly(byMachine, within(1e-10));
        assertThat(byHand).containsExactly(centralDifferences(map, g), within(1e-6));
    }

    private static double[] gradient(Function<Var, Function<Tape, Var>> operation, Tensor g) {
        try (var _ = Scope.open();
                var tape = Tape.recording(1)) {
            Var v = Var.leaf(v(3, 6, 0.2), Tensor.zeros(DType.F64, 3, 15));
            tape.backward(operation.apply(v).apply(tape), g);
            return v.gradientOrThrow().toDoubles();
        }
    }

    private static double[] centralDifferences(Cayley map, Tensor g) {
        double[] at = v(3, 6, 0.2).toDoubles();
        double[] out = new double[at.length];
        double h = 1e-5;
        for (int i = 0; i < at.length; i++) {
            double[] up = at.clone();
            double[] down = at.clone();
            up[i] += h;
            down[i] -= h;
            out[i] = (value(map, up, g) - value(map, down, g)) / (2 * h);
        }
        return out;
    }

    private static double value(Cayley map, double[] v, Tensor g) {
        try (var _ = Scope.open()) {
            return map.rotation(Skew.of(6).matrix(Tensor.of(v, 3, 15))).times(g).sum().item();
        }
    }
}
