package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

import java.util.List;

/**
 * Attention while answers are made: one new token of each of many sequences sees the keys and
 * values that its sequence has kept, and its own, which are kept with them here. Scores are scaled
 * by 1/√D.
 *
 * <p>Asked for only where {@link Kernels#fitAttention} says so.
 */
public final class DecodeAttention {
    /**
     * One sequence.
     *
     * @param row of the new token in queries, keys and values
     * @param keys kept, [capacity, Hkv, D]
     * @param values kept, [capacity, Hkv, D]
     * @param length tokens kept so far, below the capacity
     */
    public record Past(int row, Tensor keys, Tensor values, int length) {}

    private DecodeAttention() {}

    /**
     * Keeps the new keys and values, and writes what each query gets to its row.
     *
     * @param q [N, H, D]
     * @param k [N, Hkv, D]
     * @param v [N, Hkv, D]
     * @param out [N, H·D]
     */
    public static void attend(Tensor q, Tensor k, Tensor v, List<Past> pasts, Tensor out) {
        int longest = pasts.stream().mapToInt(Past::length).max().orElseThrow() + 1;
        long room = Math.ceilDiv(longest, COUNT) * BYTES;
        int kvHeads = (int) k.size(1);
        int group = (int) (q.size(1) / kvHeads);
        long head = 4 * q.size(2);
        try (var _ = Scope.open()) {
            Tensor scores = Tensor.empty(DType.F32, (long) pasts.size() * kvHeads, room / 4);
            long scratch = Lanes.address(scores);
            long qs = Lanes.address(q);
            long ks = Lanes.address(k);
            long vs = Lanes.address(v);
            long outs = Lanes.address(out);
            var places =
                    pasts.stream()
                            .map(p -> new Place(p, Lanes.address(p.keys), Lanes.address(p.values)))
                            .toArray(Place[]::new);
            Workers.share(
                    pasts.size() * kvHeads,
                    (from, to) -> {
                        for (int part = from; part < to; part++) {
                            Place p = places[part / kvHeads];
                            long kv = ((long) p.past.row * kvHeads + part % kvHeads) * head;
                            long step = kvHeads * head;
                            long keys = p.keys + part % kvHeads * head;
                            long values = p.values + part % kvHeads * head;
                            copy(ks + kv, keys + p.past.length * step, head);
                            copy(vs + kv, values + p.past.length * step, head);
                            for (int g = 0; g < group; g++) {
                                long at = (kv * group) + g * head;
                                one(
                                        qs + at,
                                        keys,
                                        values,
                                        step,
                                        p.past.length + 1,
                                        scratch + part * room,
                                        outs + at,
                                        head);
                            }
                        }
                    });
        }
    }

    private record Place(Past past, long keys, long values) {}

    private static void copy(long from, long to, long bytes) {
        for (long j = 0; j < bytes; j += BYTES) store(load(from + j), to + j);
    }

    private static void one(
            long q, long keys, long values, long step, int count, long p, long out, long head) {
        float scale = (float) (1 / Math.sqrt(head / 4.0));
        float max = scores(q, keys, step, count, scale, p, head);
        float sum = exponentials(p, count, max);
        weighted(values, step, count, p, 1 / sum, out, head);
    }

    /** p ← scaled scores; the largest of them. */
    private static float scores(
            long q, long keys, long step, int count, float scale, long p, long head) {
        float max = Float.NEGATIVE_INFINITY;
        for (int s = 0; s < count; s++) {
            float score = Lanes.dot(q, keys + s * step, head) * scale;
            Lanes.set(p + 4L * s, score);
            max = Math.max(max, score);
        }
        return max;
    }

    /** p ← e^(p − max); their sum. What fills up the last vector counts nothing. */
    private static float exponentials(long p, int count, float max) {
        int end = Math.ceilDiv(count, COUNT) * COUNT;
        for (int s = count; s < end; s++) Lanes.set(p + 4L * s, Float.NEGATIVE_INFINITY);
        FloatVector low = Lanes.all(-max);
        FloatVector sum = Lanes.zero();
        for (long j = 0; j < 4L * end; j += BYTES) {
            FloatVector e = Lanes.exp(load(p + j).add(low));
            store(e, p + j);
            sum = e.add(sum);
        }
        return Lanes.sum(sum);
    }

    /** out ← factor · Σ p_s · values_s. */
    private static void weighted(
            long values, long step, int count, long p, float factor, long out, long head) {
        long j = 0;
        for (; j + 4 * BYTES <= head; j += 4 * BYTES)
            four(values + j, step, count, p, factor, out + j);
        for (; j < head; j += BYTES) {
            FloatVector sum = Lanes.zero();
            for (int s = 0; s < count; s++)
                sum = load(values + s * step + j).fma(Lanes.all(Lanes.get(p + 4L * s)), sum);
            store(sum.mul(factor), out + j);
        }
    }

    /** Four vectors at a time: one sum alone would wait for itself. */
    private static void four(long values, long step, int count, long p, float factor, long out) {
        FloatVector a = Lanes.zero();
        FloatVector b = Lanes.zero();
        FloatVector c = Lanes.zero();
        FloatVector d = Lanes.zero();
        for (int s = 0; s < count; s++) {
            FloatVector weight = Lanes.all(Lanes.get(p + 4L * s));
            long at = values + s * step;
            a = load(at).fma(weight, a);
            b = load(at + BYTES).fma(weight, b);
            c = load(at + 2 * BYTES).fma(weight, c);
            d = load(at + 3 * BYTES).fma(weight, d);
        }
        store(a.mul(factor), out);
        store(b.mul(factor), out + BYTES);
        store(c.mul(factor), out + 2 * BYTES);
        store(d.mul(factor), out + 3 * BYTES);
    }
}
