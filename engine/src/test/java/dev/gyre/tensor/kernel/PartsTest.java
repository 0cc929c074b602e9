package dev.gyre.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.InScope;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products with a matrix of bf16 keep 16 bits of each of a row's numbers. */
@ExtendWith(InScope.class)
class PartsTest {
    private static final double SIXTEEN_BITS = 5e-6;

    private final Random random = Random.seeded(9);

    @BeforeEach
    void tiles() {
        assumeTrue(Kernels.haveParts(), "NOT RUN: this processor has no matrix tiles (AMX)");
    }

    private static double error(Tensor actual, Tensor exact) {
        Tensor e = actual.to(DType.F64).minus(exact);
        return Math.sqrt(e.times(e).sum().item() / exact.times(exact).sum().item());
    }

    @ParameterizedTest
    @CsvSource({"64,64,64", "65,32,192", "95,576,96", "512,576,1536", "300,1536,576", "33,2560,64"})
    void sixteenBitsOfARowAreKept(int rows, int in, int out) {
        Tensor w = random.normal(out, in).to(DType.BF16);
        Tensor exact = w.to(DType.F64);
        Tensor x = random.normal(rows, in);
        Tensor dy = random.normal(rows, out);
        assertThat(error(Parts.of(x).times(w), x.to(DType.F64).linear(exact)))
                .isLessThan(SIXTEEN_BITS);
        assertThat(error(Parts.of(dy).transposeTimes(w), dy.to(DType.F64).matmul(exact)))
                .isLessThan(SIXTEEN_BITS);
    }

    @ParameterizedTest
    @CsvSource({"1e-30,1e30", "1e20,1e-20", "1e18,1e18", "1e-18,1e-12"})
    void largeAndSmallNumbersKeepTheirSize(float a, float b) {
        Tensor x = random.normal(64, 64).timesInPlace(a);
        Tensor w = random.normal(64, 64).timesInPlace(b).to(DType.BF16);
        assertThat(error(Parts.of(x).times(w), x.to(DType.F64).linear(w.to(DType.F64))))
                .isLessThan(1e-5);
    }

    @ParameterizedTest
    @CsvSource({"NaN", "Infinity", "-Infinity"})
    void whatIsNotFiniteStaysSoInItsRow(float bad) {
        for (int bits : new int[] {Float.floatToRawIntBits(bad), 0x7f800001}) {
            Tensor x = random.normal(64, 64);
            x.narrow(0, 3, 1).narrow(1, 5, 1).fillInPlace(Float.intBitsToFloat(bits));
            Tensor y = Parts.of(x).times(random.normal(64, 64).to(DType.BF16));
            float[] row = y.narrow(0, 3, 1).contiguous().toFloats();
            for (float v : row) assertThat(Float.isFinite(v)).isFalse();
            assertThat(y.narrow(0, 4, 60).contiguous().abs().max().item()).isLessThan(1e3);
        }
    }
}
