package dev.gyre.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.List;

@ExtendWith(InScope.class)
class BlocksTest {
    private static final long ROWS = 1000;
    private static final long COLUMNS = 77;

    private static Tensor some(double value) {
        return Tensor.full(DType.F32, value, ROWS, COLUMNS);
    }

    private static long address(Tensor tensor) {
        return tensor.segment().address();
    }

    @Test
    void aFreedTensorsMemoryIsTheNextOnes() {
        Tensor first = some(1);
        long at = address(first);
        first.free();
        Tensor second = some(2);
        assertThat(address(second)).isEqualTo(at).isEqualTo(at / 64 * 64);
        assertThat(second.dtype()).isEqualTo(DType.F32);
        assertThat(second.shape()).containsExactly(ROWS, COLUMNS);
        assertThat(second.sum().item()).isEqualTo(2 * ROWS * COLUMNS);
    }

    @Test
    void aViewKeepsItsMemory() {
        Tensor whole = some(1);
        long at = address(whole);
        Tensor row = whole.narrow(0, 3, 1);
        whole.free();
        assertThat(address(some(2))).isNotEqualTo(at);
        assertThat(row.sum().item()).isEqualTo(COLUMNS);
    }

    @Test
    void zerosAreZeroInMemoryThatHeldOtherNumbers() {
        some(1).free();
        assertThat(Tensor.zeros(DType.F32, ROWS, COLUMNS).sum().item()).isZero();
        some(1).free();
        assertThat(some(3).zerosLike().sum().item()).isZero();
    }

    @Test
    void whatLiesFreeIsATenthOfTheMostAtMost() {
        for (int size = 50_000; size < 400_000; size += 1_000) {
            try (var _ = Scope.open()) {
                List<Tensor> three =
                        List.of(
                                Tensor.empty(DType.F32, size),
                                Tensor.empty(DType.F32, size + 500),
                                Tensor.empty(DType.F64, size));
                assertThat(three).hasSize(3);
                assertThat(Blocks.taken()).isLessThanOrEqualTo(Blocks.mostUsed() / 10 * 11);
            }
        }
    }

    @Test
    void threadsShareThem() {
        List<Boolean> right =
                Cores.each(
                        4,
                        i -> {
                            for (int round = 0; round < 200; round++) {
                                try (var _ = Scope.open()) {
                                    Tensor own = Tensor.full(DType.F32, i, 40_000 + 8_000 * i);
                                    if (own.minus(Tensor.full(DType.F32, i, own.size(0)))
                                                    .sum()
                                                    .item()
                                            != 0) return false;
                                }
                            }
                            return true;
                        });
        assertThat(right).containsOnly(true);
    }

    @Test
    void moreThanThereIsSaysSo() {
        assertThatThrownBy(() -> Tensor.empty(DType.F32, 1L << 45))
                .isInstanceOf(OutOfMemoryError.class)
                .hasMessageContaining("140,737,488,355,328 bytes");
        assertThatThrownBy(() -> Tensor.empty(DType.F32, 1L << 40, 1L << 40))
                .isInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> Tensor.empty(DType.F32, -1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
