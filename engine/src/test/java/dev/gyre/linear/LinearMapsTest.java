package dev.gyre.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.ThinProducts;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** Every kind of map against its own matrix, and its backward pass against finite differences. */
class LinearMapsTest {
    private static final long[][] NOTHING = {};
    private Scope scope;

    @BeforeEach
    void open() {
        scope = Scope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    /**
     * @param shapes of its variables
     * @param make the map of those variables
     */
    record Case(String name, long[][] shapes, Function<List<Var>, LinearMap> make) {
        @Override
        public String toString() {
            return name;
        }

        LinearMap of(double[] values, Scope home) {
            Tensor all = Tensor.of(values);
            var vars = new java.util.ArrayList<Var>();
            long at = 0;
            for (long[] shape : shapes) {
                long n = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
                vars.add(Var.leaf(all.narrow(0, at, n).view(shape), home));
                at += n;
            }
            return make.apply(vars);
        }

        int size() {
            return (int)
                    Arrays.stream(shapes)
                            .mapToLong(s -> Arrays.stream(s).reduce(1, (a, b) -> a * b))
                            .sum();
        }
    }

    private static Case of(String name, Function<List<Var>, LinearMap> make, long[]... shapes) {
        return new Case(name, shapes, make);
    }

    private static long[] shape(long... sizes) {
        return sizes;
    }

    static Stream<Case> maps() {
        return Stream.of(
                of("diagonal", v -> new Diagonal(v.getFirst()), shape(6, 1)),
                of("pairs", v -> new Pairs(v.get(0), v.get(1), 4), shape(8), shape(8)),
                new Case("shuffle", NOTHING, v -> new Shuffle(24, 2, 3, 2)),
                of(
                        "product",
                        v ->
                                new Product(
                                        List.of(
                                                new Shuffle(12, 3, 2, 2),
                                                new BlockDiagonal(v.get(0), 3),
                                                new Shuffle(12, 2, 3, 2),
                                                new Thin(v.get(1), v.get(2), 0.5))),
                        shape(3, 4, 4),
                        shape(2, 12),
                        shape(5, 2)),
                // Not of length 1: the backward pass of the map itself does not assume it.
                of("householder", v -> Householder.of(v.getFirst()), shape(7, 3)),
                of(
                        "residual",
                        v -> new Residual(new Thin(v.get(0), v.get(1), 2)),
                        shape(2, 6),
                        shape(6, 2)),
                of(
                        "columns",
                        v -> new Columns(v.getFirst(), Tensor.of(new long[] {4, 1}), 6),
                        shape(5, 2)),
                of(
                        "lines",
                        v -> new Lines(v.getFirst(), Tensor.of(new long[] {3, 0}), 5),
                        shape(2, 6)),
                of(
                        "entries",
                        v ->
                                new Entries(
                                        v.getFirst(),
                                        new Places(new long[] {1, 4, 9, 14, 20}, 4, 6),
                                        -1.5),
                        shape(5)),
                new Case("hadamard", NOTHING, v -> Hadamard.of(24, DType.F64)),
                of(
                        "hadamard and entries",
                        v ->
                                new Product(
                                        List.of(
                                                Hadamard.of(240, DType.F64),
                                                new Entries(
                                                        v.getFirst(),
                                                        new Places(
                                                                new long[] {1, 239, 600, 719},
                                                                3,
                                                                240))),
                                        0.3),
                        shape(4)),
                of(
                        "unscaled product",
                        v -> Product.of(new Thin(v.get(0), v.get(1), 0.5), new Matrix(v.get(2))),
                        shape(2, 6),
                        shape(5, 2),
                        shape(3, 5)),
                of("spectral even", v -> spectral(v.getFirst(), 4, 6), shape(7)),
                of("spectral odd", v -> spectral(v.getFirst(), 5, 7), shape(7)));
    }

    private static Spectral spectral(Var c, int m, int n) {
        var u = Tensor.of(new double[] {1, 0, 3, 2, 3, 2, 0});
        var v = Tensor.of(new double[] {2, 0, 5, 3, 4, 1, 3});
        return new Spectral(c, Spectral.Waves.of(m, u), Spectral.Waves.of(n, v), 150);
    }

    private static double[] values(Case c) {
        try (var random = Random.seeded(11);
                var _ = Scope.open()) {
            return c.size() == 0 ? new double[0] : random.normal(c.size()).toDoubles();
        }
    }

    private static Tensor rows(long seed, long n, long d) {
        try (var random = Random.seeded(seed)) {
            return random.normal(n, d).to(DType.F64);
        }
    }

    private static double distance(Tensor a, Tensor b) {
        return a.minus(b).abs().max().item();
    }

    @ParameterizedTest
    @MethodSource("maps")
    void multipliesAsItsMatrix(Case c) {
        LinearMap map = c.of(values(c), scope);
        Tensor matrix = map.dense().to(DType.F64);
        assertThat(matrix.shape()).containsExactly(map.out(), map.in());
        for (int n : new int[] {1, 3, 9}) {
            Tensor x = rows(1, n, map.in());
            Tensor dy = rows(2, n, map.out());
            assertThat(distance(map.times(x), x.linear(matrix))).isLessThan(1e-10);
            assertThat(distance(map.transposeTimes(dy), dy.matmul(matrix))).isLessThan(1e-10);
            Tensor y = rows(3, n, map.out());
            Tensor sum = y.plus(x.linear(matrix));
            map.addTimes(y, x);
            assertThat(distance(y, sum)).isLessThan(1e-10);
        }
        assertThat(map.bytes()).isEqualTo(map.bytes()).isGreaterThanOrEqualTo(0);
    }

    @ParameterizedTest
    @MethodSource("maps")
    void pullsBackAsDifferencesSay(Case c) {
        double[] at = values(c);
        // The product of reflections has its formula for columns of length 1 only; the derivative
        // of what it computes from others is another one.
        if (c.name.equals("householder")) return;
        LinearMap map = c.of(at, scope);
        Tensor x = rows(4, 5, map.in());
        Tensor dy = rows(5, 5, map.out());
        Tensor dx = dy.matmul(map.dense().to(DType.F64));
        assertThat(distance(map.backward(x, dy), dx)).isLessThan(1e-10);
        Tensor added = x.copy();
        LinearMap other = c.of(at, scope);
        other.addBackward(added, x, dy);
        assertThat(distance(added, x.plus(dx))).isLessThan(1e-10);
        for (int k = 0; k < map.variables().size(); k++)
            if (map.variables().get(k).needsGradient())
                assertThat(gradient(other, k)).isEqualTo(gradient(map, k));
        double h = 1e-6;
        int i = 0;
        for (Var v : map.variables()) {
            if (!v.needsGradient()) continue;
            for (double ours : v.gradientOrThrow().toDoubles()) {
                double[] up = at.clone();
                double[] down = at.clone();
                up[i] += h;
                down[i] -= h;
                double numeric =
                        (inner(c.of(up, scope), x, dy) - inner(c.of(down, scope), x, dy)) / (2 * h);
                assertThat(ours).as("number %d", i).isCloseTo(numeric, within(1e-6));
                i++;
            }
        }
        assertThat(i).isEqualTo(c.size());
    }

    private static double[] gradient(LinearMap map, int variable) {
        return map.variables().get(variable).gradientOrThrow().toDoubles();
    }

    /** Where {@link ThinProducts} are for its rank, and where they are not. */
    @ParameterizedTest
    @CsvSource({"70,16", "5,16", "70,12"})
    void multipliesThinMatricesInF32AsInF64(int n, int rank) {
        try (var random = Random.seeded(9)) {
            Tensor a = random.normal(rank, 48);
            Tensor b = random.normal(40, rank);
            Tensor x = random.normal(n, 48);
            Tensor dy = random.normal(n, 40);
            var map = new Thin(Var.leaf(a, scope), Var.leaf(b, scope), 0.5);
            var exact =
                    new Thin(
                            Var.leaf(a.to(DType.F64), scope),
                            Var.leaf(b.to(DType.F64), scope),
                            0.5);
            Tensor wide = x.to(DType.F64);
            Tensor y = dy.copy();
            map.addTimes(y, x);
            assertNear(y, dy.to(DType.F64).plus(exact.times(wide)));
            assertNear(map.backward(x, dy), exact.backward(wide, dy.to(DType.F64)));
            for (int k = 0; k < 2; k++)
                assertNear(
                        map.variables().get(k).gradientOrThrow(),
                        exact.variables().get(k).gradientOrThrow());
        }
    }

    private static void assertNear(Tensor actual, Tensor expected) {
        double largest = expected.abs().max().item();
        assertThat(distance(actual.to(DType.F64), expected) / largest).isLessThan(1e-6);
    }

    private static double inner(LinearMap map, Tensor x, Tensor dy) {
        return map.times(x).times(dy).sum().item();
    }

    /** u = (1,2,2) and (0,1,1); PEFT's product of reflections. */
    @Test
    void reflectsAsPeftDoes() {
        Tensor u = Tensor.of(new double[] {1, 0, 2, 1, 2, 1}, 3, 2);
        Tensor v = u.dividedBy(u.times(u).sum(0, true).sqrt());
        Householder h = Householder.of(Var.leaf(v, scope));
        assertThat(h.dense().toDoubles())
                .containsExactly(
                        new double[] {
                            7 / 9., 4 / 9., 4 / 9., -4 / 9., 8 / 9., -1 / 9., -4 / 9., -1 / 9.,
                            8 / 9.
                        },
                        within(1e-12));
        assertThat(h.times(Tensor.of(new double[] {1, 2, 3}, 1, 3)).toDoubles())
                .containsExactly(new double[] {3, 1, 2}, within(1e-12));
        Tensor dx =
                h.backward(
                        Tensor.of(new double[] {1, 2, 3}, 1, 3),
                        Tensor.of(new double[] {1, -1, 2}, 1, 3));
        assertThat(dx.toDoubles())
                .containsExactly(new double[] {1 / 3., -2 / 3., 7 / 3.}, within(1e-12));
        assertThat(h.distanceFromOrthogonal()).isLessThan(1e-12);
        assertThat(distance(h.inverse().matmul(h.dense()), Tensor.eye(DType.F64, 3)))
                .isLessThan(1e-12);
    }

    /** FourierFT's matrix for (1,2)=1, (0,0)=−0.5, (3,5)=0.25, from numpy's ifft2. */
    @Test
    void synthesisesTheGoldenMatrix() {
        var c = Var.leaf(Tensor.of(new double[] {1, -.5, .25}), scope);
        var map =
                new Spectral(
                        c,
                        Spectral.Waves.of(4, Tensor.of(new double[] {1, 0, 3})),
                        Spectral.Waves.of(6, Tensor.of(new double[] {2, 0, 5})),
                        150);
        Tensor m = map.dense();
        assertThat(m.sum().item()).isCloseTo(-75, within(1e-9));
        assertThat(m.select(0, 0).select(0, 0).item()).isCloseTo(4.6875, within(1e-9));
        assertThat(m.select(0, 3).select(0, 5).item()).isCloseTo(-9.8908234671, within(1e-9));
        assertThat(m.norm().item()).isCloseTo(27.0632938683, within(1e-9));
    }
}
