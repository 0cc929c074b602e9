package dev.gyre.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.InScope;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.stream.IntStream;

@ExtendWith(InScope.class)
class HadamardTest {
    @Test
    void allOrdersHaveOrthogonalRowsOfSigns() {
        for (int k : Hadamard.ORDERS) {
            int[][] h = Hadamard.matrix(k);
            assertThat(h).as("order %d", k).hasNumberOfRows(k);
            for (int i = 0; i < k; i++) {
                assertThat(Arrays.stream(h[i]).map(Math::abs)).containsOnly(1);
                for (int j = 0; j < k; j++) {
                    int a = i;
                    int b = j;
                    int dot = IntStream.range(0, k).map(c -> h[a][c] * h[b][c]).sum();
                    assertThat(dot)
                            .as("order %d, rows %d and %d", k, i, j)
                            .isEqualTo(i == j ? k : 0);
                }
            }
        }
    }

    /** Numbers of the specification. */
    @Test
    void transformsAsWorkedOutByHand() {
        Tensor four = Tensor.of(new double[] {1, 2, 3, 4}, 1, 4);
        assertThat(Hadamard.of(4, DType.F64).times(four).toDoubles())
                .containsExactly(10, -2, -4, 0);
        Tensor counted = Tensor.of(IntStream.rangeClosed(1, 24).asDoubleStream().toArray(), 1, 24);
        assertThat(Arrays.copyOf(Hadamard.of(24, DType.F64).times(counted).toDoubles(), 6))
                .containsExactly(-294, 10, 54, -2, 14, -2);
    }

    /** Against the definition, entry by entry: the high part of an index is K's. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 64, 128, 256, 12, 40, 112, 576, 1536})
    void isTheMatrixOfItsDefinition(int n) {
        int k = Arrays.stream(Hadamard.ORDERS).filter(o -> n % o == 0).findFirst().orElse(1);
        int low = n / k;
        int[][] high = k == 1 ? new int[][] {{1}} : Hadamard.matrix(k);
        double[] x;
        try (var random = Random.seeded(n)) {
            x = random.normal(n).toDoubles();
        }
        double[] expected = new double[n];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                int bits = Integer.bitCount(i % low & j % low);
                expected[i] += high[i / low][j / low] * (1 - 2 * (bits & 1)) * x[j];
            }
        LinearMap map = Hadamard.of(n, DType.F64);
        double[] z = map.times(Tensor.of(x, 1, n)).toDoubles();
        double[] back = map.transposeTimes(Tensor.of(z, 1, n)).toDoubles();
        for (int i = 0; i < n; i++) {
            assertThat(z[i]).as("feature %d", i).isCloseTo(expected[i], within(1e-10));
            assertThat(back[i] / n).as("feature %d back", i).isCloseTo(x[i], within(1e-11));
        }
    }
}
