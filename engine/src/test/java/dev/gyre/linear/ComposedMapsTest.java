package dev.gyre.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** Maps made of maps do what their dense matrices do, and their gradients are those of numbers. */
class ComposedMapsTest {
    /** A map over leaves of these shapes. */
    record Case(String name, List<long[]> shapes, Function<List<Var>, LinearMap> make) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Case of(String name, Function<List<Var>, LinearMap> make, long[]... shapes) {
        return new Case(name, List.of(shapes), make);
    }

    private static long[] shape(long... sizes) {
        return sizes;
    }

    static Stream<Case> cases() {
        return Stream.of(
                of("matrix", v -> new Matrix(v.get(0)), shape(4, 6)),
                of("diagonal", v -> new Diagonal(v.get(0)), shape(6)),
                of(
                        "chain",
                        v ->
                                new Product(
                                        List.of(
                                                new Matrix(v.get(0)),
                                                new Diagonal(v.get(1)),
                                                new Matrix(v.get(2)),
                                                new Diagonal(v.get(3))),
                                        1.5),
                        shape(3, 6),
                        shape(3),
                        shape(4, 3),
                        shape(4)),
                of(
                        "chain of one",
                        v -> new Product(List.of(new Matrix(v.get(0))), -2),
                        shape(4, 6)),
                of(
                        "sum",
                        v ->
                                new Sum(
                                        List.of(
                                                new Thin(v.get(0), v.get(1), 2),
                                                new Matrix(v.get(2)))),
                        shape(2, 6),
                        shape(4, 2),
                        shape(4, 6)),
                of(
                        "kronecker",
                        v -> new Kronecker(new Matrix(v.get(0)), new Thin(v.get(1), v.get(2), 0.5)),
                        shape(2, 3),
                        shape(2, 4),
                        shape(5, 2)),
                of(
                        "kronecker of kronecker",
                        v ->
                                new Kronecker(
                                        new Matrix(v.get(0)),
                                        new Kronecker(new Matrix(v.get(1)), new Matrix(v.get(2)))),
                        shape(2, 3),
                        shape(2, 1),
                        shape(3, 2)),
                of(
                        "hypercomplex",
                        v -> new Hypercomplex(v.get(0), v.get(1), v.get(2)),
                        shape(3, 3, 3),
                        shape(3, 2, 2),
                        shape(3, 4, 2)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void agreeWithTheirMatricesAndWithFiniteDifferences(Case c) {
        try (var scope = Scope.open();
                var random = Random.seeded(3)) {
            var leaves = new ArrayList<Var>();
            for (long[] shape : c.shapes)
                leaves.add(Var.leaf(random.normal(shape).to(DType.F64), scope));
            LinearMap map = c.make.apply(leaves);
            Tensor x = random.normal(5, map.in()).to(DType.F64);
            Tensor dy = random.normal(5, map.out()).to(DType.F64);
            Tensor dense = map.dense();
            assertThat(dense.shape()).containsExactly(map.out(), map.in());
            assertClose(map.times(x), x.linear(dense));
            Tensor y = dy.copy();
            map.addTimes(y, x);
            assertClose(y, dy.plus(x.linear(dense)));
            assertClose(map.transposeTimes(dy), dy.matmul(dense));
            assertClose(map.backward(x, dy), dy.matmul(dense));
            for (int i = 0; i < leaves.size(); i++)
                assertClose(leaves.get(i).gradientOrThrow(), numeric(c, leaves, i, x, dy));
            if (map instanceof Kronecker || map instanceof Diagonal || map instanceof Hypercomplex)
                return;
            columns(c, leaves, map, dy);
        }
    }

    private static void columns(Case c, List<Var> leaves, LinearMap map, Tensor dy) {
        Tensor ids = Tensor.of(new int[] {2, 0, 5, 2, 1});
        Tensor oneHot = Tensor.eye(DType.F64, map.in()).indexSelect(0, ids);
        assertClose(map.columns(ids), map.times(oneHot));
        leaves.forEach(Var::clearGradient);
        map.backwardOfColumns(ids, dy);
        for (int i = 0; i < leaves.size(); i++)
            assertClose(leaves.get(i).gradientOrThrow(), numeric(c, leaves, i, oneHot, dy));
    }

    private static Tensor numeric(Case c, List<Var> leaves, int which, Tensor x, Tensor dy) {
        double[] at = leaves.get(which).value().toDoubles();
        double[] out = new double[at.length];
        double h = 1e-6;
        for (int i = 0; i < at.length; i++)
            out[i] =
                    (inner(c, leaves, which, at, i, h, x, dy)
                                    - inner(c, leaves, which, at, i, -h, x, dy))
                            / (2 * h);
        return Tensor.of(out, leaves.get(which).value().shape());
    }

    private static double inner(
            Case c,
            List<Var> leaves,
            int which,
            double[] at,
            int i,
            double h,
            Tensor x,
            Tensor dy) {
        double[] moved = at.clone();
        moved[i] += h;
        var all = new ArrayList<>(leaves);
        all.set(which, Var.constant(Tensor.of(moved, leaves.get(which).value().shape())));
        return c.make.apply(all).times(x).times(dy).sum().item();
    }

    private static void assertClose(Tensor a, Tensor b) {
        assertThat(a.shape()).isEqualTo(b.shape());
        assertThat(a.minus(b).abs().max().item()).isCloseTo(0, within(1e-7));
    }
}
