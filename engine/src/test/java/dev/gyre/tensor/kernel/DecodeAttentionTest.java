package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.KernelsTest.assertClose;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;

/** Against the plain operations, in float64. */
class DecodeAttentionTest {
    @ParameterizedTest
    @CsvSource({"9,3,64", "4,4,16", "6,1,80", "2,1,128"})
    void attentionOfOneNewTokenOfEachSequence(int heads, int kvHeads, int d) {
        int[] lengths = {0, 1, 15, 16, 61};
        int n = lengths.length;
        try (var _ = Scope.open();
                var random = Random.seeded(11)) {
            Tensor q = random.normal(n, heads, d);
            Tensor k = random.normal(n, kvHeads, d);
            Tensor v = random.normal(n, kvHeads, d);
            assertThat(Kernels.fitAttention(q, k, v)).isTrue();
            Tensor out = Tensor.empty(DType.F32, n, (long) heads * d);
            var pasts = new ArrayList<DecodeAttention.Past>();
            for (int i = 0; i < n; i++)
                pasts.add(
                        new DecodeAttention.Past(
                                i,
                                random.normal(64, kvHeads, d),
                                random.normal(64, kvHeads, d),
                                lengths[i]));
            DecodeAttention.attend(q, k, v, pasts, out);
            for (int i = 0; i < n; i++) {
                var past = pasts.get(i);
                assertThat(past.keys().select(0, lengths[i]).sameAs(k.select(0, i))).isTrue();
                assertThat(past.values().select(0, lengths[i]).sameAs(v.select(0, i))).isTrue();
                for (int h = 0; h < heads; h++) {
                    int kv = h / (heads / kvHeads);
                    Tensor keys = past.keys().narrow(0, 0, lengths[i] + 1).select(1, kv);
                    Tensor values = past.values().narrow(0, 0, lengths[i] + 1).select(1, kv);
                    Tensor query = q.select(0, i).narrow(0, h, 1).to(DType.F64);
                    Tensor scores = query.matmul(keys.to(DType.F64).transpose(0, 1));
                    Tensor wanted =
                            scores.times(1 / Math.sqrt(d)).softmax(1).matmul(values.to(DType.F64));
                    assertClose(
                            out.narrow(0, i, 1).narrow(1, (long) h * d, d).contiguous(),
                            wanted,
                            1e-5);
                }
            }
        }
    }
}
