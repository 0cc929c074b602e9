package dev.gyre.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.InScope;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.List;

/** A chain that stays within blocks, joined into one map, is that chain, gradients and all. */
@ExtendWith(InScope.class)
class BlockDiagonalTest {
    private final Random random = Random.seeded(4);

    private Var leaf() {
        Tensor value = random.normal(6, 4, 4).to(DType.F64);
        return Var.leaf(value, value.zerosLike());
    }

    /** A butterfly of two factors: features of blocks of 8 meet. */
    private static Product butterfly(Var first, Var second) {
        return Product.of(
                new Shuffle(24, 2, 2, 2),
                new BlockDiagonal(first, 6),
                new Shuffle(24, 2, 2, 2),
                new BlockDiagonal(second, 6));
    }

    @Test
    void aChainWithinBlocksIsOneMap() {
        Var first = leaf();
        Var second = leaf();
        Product chain = butterfly(first, second);
        Tensor x = random.normal(5, 24).to(DType.F64);
        Tensor dy = random.normal(5, 24).to(DType.F64);
        Tensor dx = chain.backward(x, dy);
        List<double[]> wanted =
                List.of(
                        first.gradientOrThrow().toDoubles(),
                        second.gradientOrThrow().toDoubles(),
                        dx.toDoubles());
        first.gradientOrThrow().zeroInPlace();
        second.gradientOrThrow().zeroInPlace();
        try (var _ = Scope.open();
                var tape = Tape.recording(1)) {
            BlockDiagonal joined = BlockDiagonal.of(tape, chain, 8);
            assertThat(joined.count()).isEqualTo(3);
            close(joined.times(x), chain.times(x).toDoubles());
            close(joined.dense(), chain.dense().toDoubles());
            close(joined.backward(x, dy), wanted.get(2));
            tape.backward();
        }
        close(first.gradientOrThrow(), wanted.get(0));
        close(second.gradientOrThrow(), wanted.get(1));
    }

    private static void close(Tensor actual, double[] expected) {
        assertThat(actual.toDoubles()).containsExactly(expected, within(1e-12));
    }
}
