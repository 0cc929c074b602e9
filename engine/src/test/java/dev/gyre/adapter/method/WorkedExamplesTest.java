package dev.gyre.adapter.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.adapter.Learned;
import dev.gyre.linear.Hypercomplex;
import dev.gyre.linear.Matrix;
import dev.gyre.model.Slot;
import dev.gyre.quant.Dense;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * Small cases whose numbers were worked out in f64 outside of this project, from the formulas of
 * the papers, for methods that PEFT does not have. All tensors are F(c)ₖ = ((k³ + 7ck + 3c) mod
 * 97)/97 − ½, k from 1: W = F(1) [4, 6], A = F(2) [2, 6], B = F(3) [4, 2], x = F(4) [3, 6], dy =
 * F(5) [3, 4].
 */
class WorkedExamplesTest {
    private Scope scope;

    @BeforeEach
    void open() {
        scope = Scope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    private static Tensor fixture(long c, long... shape) {
        int n = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        double[] out = new double[n];
        for (long k = 1; k <= n; k++)
            out[(int) k - 1] = (k * k * k + 7 * c * k + 3 * c) % 97 / 97.0 - 0.5;
        return Tensor.of(out, shape);
    }

    private static Tensor weightGradient() {
        return fixture(5, 3, 4).transpose(0, 1).matmul(fixture(4, 3, 6));
    }

    private static void assertSums(Tensor t, double sum, double first, double last, double norm) {
        double[] all = t.toDoubles();
        assertThat(Arrays.stream(all).sum()).as("sum").isCloseTo(sum, within(1e-9));
        assertThat(all[0]).as("first").isCloseTo(first, within(1e-9));
        assertThat(all[all.length - 1]).as("last").isCloseTo(last, within(1e-9));
        assertThat(t.norm().item()).as("norm").isCloseTo(norm, within(1e-9));
    }

    @Test
    void loraProComesNearToTheGradientOfTheWeight() {
        Tensor a = fixture(2, 2, 6);
        Tensor b = fixture(3, 4, 2);
        Tensor g = weightGradient();
        var step = new Equivalent(a, b, 2);
        Tensor ga = b.transpose(0, 1).matmul(g).times(2);
        Tensor gb = g.matmul(a.transpose(0, 1)).times(2);
        var direction = step.direction(ga, gb, true);
        // Damped by 1e-8, which the ninth digit of the reference shows.
        assertNear(direction.a(), -0.0156906126, 0.0524121109, -0.2681817042, 0.4749203365);
        assertNear(direction.b(), -0.0621377796, -0.1295358977, 0.0343333166, 0.2192796447);
        Tensor full = step.onWeight(direction);
        assertNear(full, 0.7190768881, 0.0533771079, 0.1387623448, 0.5107541301);
        assertThat(g.minus(full).norm().item()).isCloseTo(0.3017024207, within(1e-6));
        Tensor unbalanced = step.onWeight(step.direction(ga, gb, false));
        assertThat(unbalanced.minus(full).abs().max().item()).isLessThan(1e-9);
    }

    private static void assertNear(Tensor t, double sum, double first, double last, double norm) {
        double[] all = t.toDoubles();
        assertThat(Arrays.stream(all).sum()).as("sum").isCloseTo(sum, within(1e-6));
        assertThat(all[0]).as("first").isCloseTo(first, within(1e-6));
        assertThat(all[all.length - 1]).as("last").isCloseTo(last, within(1e-6));
        assertThat(t.norm().item()).as("norm").isCloseTo(norm, within(1e-6));
    }

    @Test
    void loraProBeginsAtAnEmptyB() {
        Tensor a = fixture(2, 2, 6);
        Tensor b = Tensor.zeros(DType.F64, 4, 2);
        Tensor g = weightGradient();
        var step = new Equivalent(a, b, 2);
        Tensor none = Tensor.zeros(DType.F64, 2, 6);
        var direction = step.direction(none, g.matmul(a.transpose(0, 1)).times(2), true);
        assertThat(direction.a().abs().max().item()).isZero();
        Tensor full = step.onWeight(direction);
        assertThat(full.sum().item()).isCloseTo(0.5105658948, within(1e-6));
        assertThat(full.norm().item()).isCloseTo(0.2999680606, within(1e-6));
    }

    @Test
    void loraSbBeginsNearToAFullStep() {
        var w = new Dense(fixture(1, 4, 6));
        var slot = new Slot("here", Slot.Kind.LINEAR, w, Optional.empty());
        var a = Var.constant(Tensor.zeros(DType.F32, 2, 6));
        var b = Var.constant(Tensor.zeros(DType.F32, 4, 2));
        var r = Var.constant(Tensor.zeros(DType.F32, 2, 2));
        var all =
                Map.of(
                        "here.lora_A.weight",
                        a,
                        "here.lora_B.weight",
                        b,
                        "here.default_lora_latent_mapping.weight",
                        r);
        new LoraSb(2, 1e-3, 1).calibrate(slot, weightGradient(), new Learned(all));
        Tensor change = b.value().matmul(r.value()).matmul(a.value()).to(DType.F64);
        double[] adapted = fixture(1, 4, 6).plus(change).toDoubles();
        assertThat(Arrays.stream(adapted).sum()).isCloseTo(-0.7713407145, within(1e-7));
        assertThat(adapted[0]).isCloseTo(-0.3856703573, within(1e-7));
        assertThat(adapted[23]).isCloseTo(-0.2228465812, within(1e-7));
        Tensor square = a.value().matmul(a.value().transpose(0, 1));
        assertThat(square.minus(Tensor.eye(DType.F32, 2)).abs().max().item()).isLessThan(1e-6);
    }

    @Test
    void largeMatricesHaveTheirFirstSingularVectorsFound() {
        try (var random = Random.seeded(5)) {
            Tensor thin = random.normal(200, 6).matmul(random.normal(6, 150));
            var svd = LowRank.svd(thin, 6);
            Tensor again = svd.get(0).times(svd.get(1)).matmul(svd.get(2));
            assertThat(again.minus(thin).abs().max().item()).isLessThan(1e-3);
        }
    }

    @Test
    void shiraTakesTheBestPlaces() {
        var shira = new Shira(1, ShiraMask.SNIP, 0, 1, 0, false);
        Tensor w = fixture(1, 4, 6);
        Tensor g = weightGradient();
        assertThat(flat(shira.byScore(w, 4))).containsExactly(3, 9, 19, 20);
        assertThat(flat(shira.byScore(g, 4))).containsExactly(3, 4, 15, 16);
        assertThat(flat(shira.byScore(w.times(g), 4))).containsExactly(3, 7, 16, 20);
        var next = new Shira(1, ShiraMask.SNIP, 1, 1, 0, false);
        assertThat(flat(next.byScore(g, 4))).doesNotContain(3, 4, 15, 16);
    }

    private static int[] flat(Tensor places) {
        int[] rows = places.select(0, 0).toInts();
        int[] columns = places.select(0, 1).toInts();
        int[] out = new int[rows.length];
        Arrays.setAll(out, i -> rows[i] * 6 + columns[i]);
        return out;
    }

    @Test
    void teraIsATuckerProduct() {
        Tensor[] factors = new Tensor[4];
        Var[] diagonals = new Var[4];
        long[] modes = {2, 2, 2, 3};
        for (int k = 0; k < 4; k++) {
            factors[k] = fixture(18 + k, modes[k], modes[k]);
            diagonals[k] = Var.constant(fixture(22 + k, modes[k]));
        }
        Tensor core = fixture(26, 4, 6);
        try (var off = Tape.off()) {
            Tensor change = TeRa.network(off, core, factors, diagonals, 1).dense();
            assertThat(change.sum().item()).isCloseTo(-3.7462e-6, within(1e-10));
            assertThat(change.norm().item()).isCloseTo(2.27326e-5, within(1e-9));
        }
    }

    @Test
    void hypercomplexProductsAndTheirGradients() {
        // The reference multiplies rows from the left, so all factors are turned here.
        var rule = leaf(fixture(15, 2, 2, 2).transpose(1, 2).contiguous());
        var left = leaf(fixture(16, 2, 3, 1).transpose(1, 2).contiguous());
        var right = leaf(fixture(17, 2, 1, 2).transpose(1, 2).contiguous());
        var map = new Hypercomplex(rule, left, right);
        assertSums(map.dense(), 0.1004357530, 0.0037973623, 0.0006182390, 0.1478120375);
        Tensor x = fixture(4, 3, 6);
        assertSums(map.times(x), -0.0537675665, 0.0429040252, -0.0007136876, 0.1164058878);
        map.backward(x, fixture(5, 3, 4));
        assertGradient(rule, 0.0776833656, 0.0764686113);
        assertGradient(left, 0.0796546004, 0.0494080684);
        assertGradient(right, 0.0800687120, 0.0538824471);
    }

    private Var leaf(Tensor value) {
        return Var.leaf(value, scope);
    }

    private static void assertGradient(Var var, double sum, double norm) {
        assertThat(var.gradientOrThrow().sum().item()).isCloseTo(sum, within(1e-9));
        assertThat(var.gradientOrThrow().norm().item()).isCloseTo(norm, within(1e-9));
    }

    @Test
    void anInvertibleCouplingGoesBack() {
        for (long width : new long[] {4, 7}) {
            long first = width / 2;
            var coupling =
                    new Invertible.Coupling(
                            network(31, width - first, first),
                            network(37, first, width - first),
                            first);
            Var x = Var.constant(fixture(4, 3, width));
            try (var off = Tape.off()) {
                Var there = coupling.forward(off, x);
                assertThat(there.value().minus(x.value()).abs().max().item()).isGreaterThan(1e-2);
                Var back = coupling.inverse(off, there);
                assertThat(back.value().minus(x.value()).abs().max().item()).isLessThan(1e-14);
            }
        }
    }

    private static SmallNetwork network(int c, long from, long to) {
        return new SmallNetwork(
                new Matrix(Var.constant(fixture(c, 2, from))),
                Var.constant(fixture(c + 1, 2)),
                new Matrix(Var.constant(fixture(c + 2, to, 2))),
                Var.constant(fixture(c + 3, to)),
                SmallNetwork.Activation.GELU);
    }
}
