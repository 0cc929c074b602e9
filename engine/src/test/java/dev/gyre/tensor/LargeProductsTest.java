package dev.gyre.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gyre.tensor.kernel.Kernels;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs on any maker's processor: only {@link LargeProducts#fits} asks for the maker. */
@ExtendWith(InScope.class)
class LargeProductsTest {
    private final Random random = Random.seeded(3);

    @BeforeEach
    void isThere() {
        assumeTrue(
                "mkl_rt".equals(System.getProperty("org.bytedeco.openblas.load")),
                "NOT RUN: this system has no MKL beside which OpenBLAS would stand");
        assertThat(OpenBlas.loads()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "64, 64, 64, false, false",
        "200, 65, 97, false, true",
        "67, 300, 64, true, false",
        "129, 130, 131, true, true"
    })
    void agreesWithFloat64(int m, int n, int k, boolean turnA, boolean turnB) {
        Tensor a = matrix(m, k, turnA);
        Tensor b = matrix(k, n, turnB);
        // A window on a wider matrix, whose rest must stay.
        Tensor wide = random.normal(m, n + 8);
        Tensor rest = wide.narrow(1, n, 8).copy();
        Tensor c = wide.narrow(1, 0, n);
        Tensor expected = wanted(a, b).times(0.5).plus(c.to(DType.F64).times(2));

        LargeProducts.multiply(c, a, b, 0.5, 2);

        assertThat(off(c, expected)).isLessThan(1e-6);
        assertThat(wide.narrow(1, n, 8).contiguous().sameAs(rest)).isTrue();
    }

    /** Of sizes that have panels to spare, and steps for more than one stretch of a sum. */
    @ParameterizedTest
    @CsvSource({
        "64, 64, 64, false, 0",
        "97, 136, 1304, true, 0",
        "97, 136, 1304, false, 0",
        "200, 64, 576, true, 1",
        "131, 200, 584, false, 1"
    })
    void panelsAgreeWithFloat64(int m, int n, int k, boolean turnB, double keep) {
        assumeTrue(Kernels.fitPanels(n, k), "NOT RUN: this processor has no machine code");
        Tensor a = matrix(m, k, false);
        Tensor b = matrix(k, n, turnB);
        Tensor wide = random.normal(m, n + 8);
        Tensor rest = wide.narrow(1, n, 8).copy();
        Tensor c = wide.narrow(1, 0, n);
        Tensor expected = wanted(a, b).plus(c.to(DType.F64).times(keep));

        LargeProducts.multiply(c, a, b, 1, keep);

        assertThat(off(c, expected)).isLessThan(1e-6);
        assertThat(wide.narrow(1, n, 8).contiguous().sameAs(rest)).isTrue();
    }

    @Test
    void whatAnotherCoreMultipliesStaysTheSame() {
        Tensor a = random.normal(512, 576);
        Tensor b = random.normal(192, 576).transpose(0, 1);
        var results =
                Cores.each(
                        2,
                        _ -> {
                            try (var _ = Scope.open()) {
                                Tensor c = Tensor.empty(DType.F32, 512, 192);
                                LargeProducts.multiply(c, a, b, 1, 0);
                                return c.toFloats();
                            }
                        });
        assertThat(results.get(0)).isEqualTo(results.get(1));
    }

    @Test
    void keepsNumbersThatAreNotFinite() {
        Tensor a = Tensor.full(DType.F32, Double.NaN, 64, 64);
        Tensor c = Tensor.full(DType.F32, Double.NaN, 64, 64);
        LargeProducts.multiply(c, Tensor.eye(DType.F32, 64), Tensor.ones(DType.F32, 64, 64), 1, 0);
        assertThat(c.allFinite()).as("what was in c does not matter").isTrue();
        LargeProducts.multiply(c, a, Tensor.ones(DType.F32, 64, 64), 1, 0);
        assertThat(c.toFloats()).containsOnly(Float.NaN);
    }

    @Test
    void leavesToLibtorchWhatItCannotTake() {
        Tensor m = random.normal(128, 128);
        assertThat(taken(m, m, m)).isTrue();
        assertThat(taken(m, m.transpose(0, 1), m)).isTrue();
        assertThat(taken(m, m, random.normal(128, 63))).isFalse();
        assertThat(taken(m, m, random.normal(127, 128))).isFalse();
        assertThat(taken(m, m, m.to(DType.F64))).isFalse();
        assertThat(taken(m, m, random.normal(128, 1).expand(128, 128))).isFalse();
        assertThat(taken(m.transpose(0, 1), m, m)).isFalse();
    }

    /** On one core, where size alone decides. */
    private static boolean taken(Tensor c, Tensor a, Tensor b) {
        return Cores.each(1, _ -> LargeProducts.takes(c, a, b)).getFirst();
    }

    private Tensor matrix(int rows, int columns, boolean turned) {
        return turned ? random.normal(columns, rows).transpose(0, 1) : random.normal(rows, columns);
    }

    private static Tensor wanted(Tensor a, Tensor b) {
        return a.to(DType.F64).matmul(b.to(DType.F64));
    }

    private static double off(Tensor actual, Tensor expected) {
        return actual.to(DType.F64).minus(expected).norm().item() / expected.norm().item();
    }
}
