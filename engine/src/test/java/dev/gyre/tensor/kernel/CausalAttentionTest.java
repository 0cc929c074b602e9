package dev.gyre.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.FlashAttention;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Torch;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

/** Our attention against libtorch's, which sees one sequence at a time. */
class CausalAttentionTest {
    private static final int[] SHORT = {1, 7, 0, 32, 33, 150, 64};
    private static final int[] LONG = {0, 700, 1, 40, 513};

    @ParameterizedTest
    @CsvSource({"9, 3, 64", "4, 4, 32", "2, 1, 16", "3, 1, 48"})
    void agreesWithLibtorch(int heads, int kvHeads, int headDim) {
        for (int threads : new int[] {1, 2}) {
            int before = Torch.threads();
            Torch.threads(threads);
            try (var _ = Scope.open();
                    var random = Random.seeded(3)) {
                compare(random, SHORT, heads, kvHeads, headDim, 1);
                compare(random, LONG, heads, kvHeads, headDim, 1);
            } finally {
                Torch.threads(before);
            }
        }
    }

    @Test
    void agreesWhereAlmostAllIsOneTokens() {
        try (var _ = Scope.open();
                var random = Random.seeded(4)) {
            compare(random, SHORT, 4, 2, 32, 40);
        }
    }

    @Test
    void whatIsNoNumberReachesThoseWhoSeeIt() {
        try (var _ = Scope.open();
                var random = Random.seeded(5)) {
            int[] starts = {0, 40};
            Tensor q = random.normal(40, 2, 32);
            Tensor k = random.normal(40, 1, 32);
            Tensor v = random.normal(40, 1, 32);
            v.narrow(0, 35, 1).fillInPlace(Double.NaN);
            Tensor out = q.emptyLike();
            CausalAttention.forward(q, k, v, starts, out);
            int together = 35 / HeadAttention.QUERIES * HeadAttention.QUERIES;
            assertThat(out.narrow(0, 0, together).norm().item()).isFinite();
            assertThat(out.narrow(0, 35, 1).norm().item()).isNaN();
            k.narrow(0, 3, 1).fillInPlace(Double.POSITIVE_INFINITY);
            CausalAttention.forward(q, k, v, starts, out);
            assertThat(out.narrow(0, 0, 3).norm().item()).isFinite();
            assertThat(out.narrow(0, 3, 1).norm().item()).isNaN();
        }
    }

    @Test
    void threadsChangeNoNumber() {
        for (int length : new int[] {83, 600})
            assertThat(gradients(length, 2)).isEqualTo(gradients(length, 1));
    }

    private static float[] gradients(int n, int threads) {
        int before = Torch.threads();
        Torch.threads(threads);
        try (var _ = Scope.open();
                var random = Random.seeded(6)) {
            int[] starts = {0, n - 33, n};
            Tensor q = random.normal(n, 6, 32);
            Tensor k = random.normal(n, 3, 32);
            Tensor v = random.normal(n, 3, 32);
            Tensor out = q.emptyLike();
            Tensor dq = q.emptyLike();
            Tensor dk = k.emptyLike();
            Tensor dv = v.emptyLike();
            CausalAttention.forward(q, k, v, starts, out);
            CausalAttention.backward(out, q, k, v, starts, dq, dk, dv);
            return Tensor.cat(List.of(out, dq, dk, dv), 1).toFloats();
        } finally {
            Torch.threads(before);
        }
    }

    private static void compare(
            Random random, int[] lengths, int heads, int kvHeads, int headDim, double size) {
        int[] starts = new int[lengths.length + 1];
        for (int s = 0; s < lengths.length; s++) starts[s + 1] = starts[s] + lengths[s];
        int n = starts[lengths.length];
        Tensor q = random.normal(n, heads, headDim).timesInPlace(size);
        Tensor k = random.normal(n, kvHeads, headDim);
        Tensor v = random.normal(n, kvHeads, headDim);
        Tensor dy = random.normal(n, heads, headDim);
        Tensor out = Tensor.full(DType.F32, Double.NaN, n, heads, headDim);
        Tensor dq = Tensor.full(DType.F32, Double.NaN, n, heads, headDim);
        Tensor dk = Tensor.full(DType.F32, Double.NaN, n, kvHeads, headDim);
        Tensor dv = Tensor.full(DType.F32, Double.NaN, n, kvHeads, headDim);
        assertThat(Kernels.fitAttention(q, k, v)).isTrue();
        CausalAttention.forward(q, k, v, starts, out);
        CausalAttention.backward(dy, q, k, v, starts, dq, dk, dv);
        for (int s = 0; s < lengths.length; s++) {
            if (lengths[s] == 0) continue;
            int from = starts[s];
            int count = lengths[s];
            var theirs =
                    FlashAttention.forward(
                            seen(q, from, count, 1),
                            seen(k, from, count, heads / kvHeads),
                            seen(v, from, count, heads / kvHeads),
                            true,
                            null);
            List<Tensor> gradients =
                    FlashAttention.backward(
                            seen(dy, from, count, 1),
                            seen(q, from, count, 1),
                            seen(k, from, count, heads / kvHeads),
                            seen(v, from, count, heads / kvHeads),
                            theirs,
                            true,
                            null);
            // What should be nothing is as large as what it is made of rounds.
            double unit = 1e-5 * size;
            assertClose(seen(out, from, count, 1), theirs.out(), unit);
            assertClose(seen(dq, from, count, 1), gradients.get(0), unit);
            assertClose(seen(dk, from, count, 1), grouped(gradients.get(1), kvHeads), unit);
            assertClose(seen(dv, from, count, 1), grouped(gradients.get(2), kvHeads), unit);
        }
    }

    /** Rows of [N, H, D] as [1, H, T, D], each head as often as it is shared. */
    private static Tensor seen(Tensor all, int from, int count, long times) {
        long heads = all.size(1);
        return all.narrow(0, from, count)
                .permute(1, 0, 2)
                .unsqueeze(1)
                .expand(heads, times, count, all.size(2))
                .reshape(1, heads * times, count, all.size(2));
    }

    /** Gradients of shared heads, added up. */
    private static Tensor grouped(Tensor gradient, int kvHeads) {
        return gradient.reshape(
                        kvHeads, gradient.size(1) / kvHeads, gradient.size(2), gradient.size(3))
                .sum(1, false)
                .unsqueeze(0);
    }

    private static void assertClose(Tensor ours, Tensor theirs, double unit) {
        double size = theirs.norm().item();
        assertThat(ours.minus(theirs).norm().item()).isLessThanOrEqualTo(unit + 1e-5 * size);
    }
}
