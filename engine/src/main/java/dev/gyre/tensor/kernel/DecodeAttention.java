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
        for (int s = 0; s < count; s++) Lanes.set(p + 4L * s, Lanes.dot(q, keys + s * step, head));
        float scale = (float) (1 / Math.sqrt(head / 4.0));
        MaskedSoftmax.forward(p, count, Math.ceilDiv(count, COUNT) * BYTES, scale);
        weighted(values, step, count, p, out, head);
    }

    /** out ← Σ p_s · values_s. */
    private static void weighted(long values, long step, int count, long p, long out, long head) {
        long j = 0;
        for (; j + 4 * BYTES <= head; j += 4 * BYTES) four(values + j, step, count, p, out + j);
        for (; j < head; j += BYTES) {
            FloatVector sum = Lanes.zero();
            for (int s = 0; s < count; s++)
                sum = load(values + s * step + j).fma(Lanes.all(Lanes.get(p + 4L * s)), sum);
            store(sum, out + j);
        }
    }

    /** Four vectors at a time: one sum alone would wait for itself. */
    private static void four(long values, long step, int count, long p, long out) {
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
        store(a, out);
        store(b, out + BYTES);
        store(c, out + 2 * BYTES);
        store(d, out + 3 * BYTES);
    }
}
