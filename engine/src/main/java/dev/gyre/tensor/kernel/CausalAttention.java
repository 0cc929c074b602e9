package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.SPECIES;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Attention inside segments of rows, each row seeing its segment up to itself, forward and backward
 * without the matrix of scores (after FlashAttention-2, arXiv 2307.08691, sections 2.3 and 3.1): a
 * block of queries meets only the keys that it sees. Scores are scaled by 1/√D, and the heads of a
 * group share their keys and values.
 *
 * <p>Shapes: queries, output and their gradients [N, H, D]; keys, values and theirs [N, Hkv, D];
 * log-sum-exp of the scaled scores [N, H]. Segment s has the rows starts[s] … starts[s+1]−1. Asked
 * for only where {@link Kernels#fitCausal} says so.
 */
public final class CausalAttention {
    /** Queries of a block: its scores stay in a core's cache. */
    private static final int BLOCK = 32;

    private final int[] starts;
    private final int kvHeads;
    private final int group;
    private final int width;
    private final long row;
    private final long kvRow;
    private final long logs;
    private final long q;
    private final long k;
    private final long v;

    private CausalAttention(Tensor q, Tensor k, Tensor v, Tensor logSumExp, int[] starts) {
        this.starts = starts;
        this.kvHeads = (int) k.size(1);
        this.group = (int) (q.size(1) / kvHeads);
        this.width = (int) q.size(2);
        this.row = 4 * q.size(1) * width;
        this.kvRow = 4L * kvHeads * width;
        this.logs = Lanes.address(logSumExp);
        this.q = Lanes.address(q);
        this.k = Lanes.address(k);
        this.v = Lanes.address(v);
    }

    /** out and logSumExp of what the rows see. */
    public static void forward(
            Tensor q, Tensor k, Tensor v, int[] starts, Tensor out, Tensor logSumExp) {
        var op = new CausalAttention(q, k, v, logSumExp, starts);
        long to = Lanes.address(out);
        op.each(1, part -> op.forward(part, to));
    }

    /**
     * Gradients at queries, keys and values.
     *
     * @param dk zeros, to which the gradient is added; so dv
     */
    public static void backward(
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor out,
            Tensor logSumExp,
            int[] starts,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        var op = new CausalAttention(q, k, v, logSumExp, starts);
        var at =
                new Gradients(
                        Lanes.address(dy),
                        Lanes.address(out),
                        Lanes.address(dq),
                        Lanes.address(dk),
                        Lanes.address(dv));
        op.each(2, part -> op.backward(part, at));
    }

    private record Gradients(long dy, long out, long dq, long dk, long dv) {}

    /**
     * One key/value head of one segment.
     *
     * @param first row of the segment
     * @param count of its rows
     * @param padded count up to whole vectors
     * @param scratch for keys, or values, turned, and for a block's scores, once or twice
     */
    private record Part(int first, int count, int padded, int kvHead, long scratch) {}

    @FunctionalInterface
    private interface Body {
        void run(Part part);
    }

    private static int padded(int count) {
        return Math.ceilDiv(count, COUNT) * COUNT;
    }

    /** Shares out all parts, each with scratch for so many panels and blocks of scores. */
    private void each(int panels, Body body) {
        int segments = starts.length - 1;
        long[] offsets = new long[segments * kvHeads + 1];
        for (int i = 0; i + 1 < offsets.length; i++) {
            long wide = padded(starts[i / kvHeads + 1] - starts[i / kvHeads]);
            offsets[i + 1] = offsets[i] + panels * wide * (width + BLOCK);
        }
        try (var _ = Scope.open()) {
            Tensor room = Tensor.empty(DType.F32, Math.max(1, offsets[offsets.length - 1]));
            long scratch = Lanes.address(room);
            Workers.share(
                    segments * kvHeads,
                    (from, to) -> {
                        for (int i = from; i < to; i++) {
                            int first = starts[i / kvHeads];
                            int count = starts[i / kvHeads + 1] - first;
                            if (count > 0)
                                body.run(
                                        new Part(
                                                first,
                                                count,
                                                padded(count),
                                                i % kvHeads,
                                                scratch + 4 * offsets[i]));
                        }
                    });
        }
    }

    /** Where a key/value head of the segment's first row lies behind an address. */
    private long kv(long base, Part p) {
        return base + p.first * kvRow + 4L * p.kvHead * width;
    }

    /** Where query row t of the segment lies behind an address. */
    private long query(long base, Part p, int head, int t) {
        return base + (p.first + t) * row + 4L * head * width;
    }

    private long log(Part p, int head, int t) {
        return logs + 4L * ((long) (p.first + t) * kvHeads * group + head);
    }

    /** A head of a segment [count, D] turned, [D, padded], zeros beyond. */
    private void turned(long from, Part p, long to) {
        long line = 4L * p.padded;
        for (int d = 0; d < width; d++) store(Lanes.zero(), to + (d + 1) * line - BYTES);
        Turn.matrix(from, kvRow, to, line, p.count, width);
    }

    private float scale() {
        return (float) (1 / Math.sqrt(width));
    }

    private void forward(Part p, long out) {
        long line = 4L * p.padded;
        long keys = p.scratch;
        long scores = keys + width * line;
        turned(kv(k, p), p, keys);
        for (int g = 0; g < group; g++) {
            int head = p.kvHead * group + g;
            for (int from = 0; from < p.count; from += BLOCK) {
                int end = Math.min(p.count, from + BLOCK);
                int seen = padded(end);
                long queries = query(q, p, head, from);
                long to = query(out, p, head, from);
                Tile.product(
                        queries, row, 4, keys, line, scores, line, end - from, seen, width, false);
                for (int t = from; t < end; t++) softmax(scores + (t - from) * line, p, head, t);
                Tile.product(
                        scores, line, 4, kv(v, p), kvRow, to, row, end - from, width, end, false);
            }
        }
    }

    /** Scores of row t to probabilities, zeros beyond t, up to whole vectors of its block. */
    private void softmax(long z, Part p, int head, int t) {
        int end = padded(Math.min(p.count, t / BLOCK * BLOCK + BLOCK));
        int whole = (t + 1) / COUNT * COUNT;
        VectorMask<Float> last = SPECIES.indexInRange(whole, t + 1);
        FloatVector low = Lanes.all(Float.NEGATIVE_INFINITY);
        FloatVector most = low;
        for (int j = 0; j < whole; j += COUNT) most = most.max(load(z + 4L * j));
        if (whole < end) most = most.max(low.blend(load(z + 4L * whole), last));
        float max = most.reduceLanes(VectorOperators.MAX) * scale();
        float sum = exponentials(z, max, t, end);
        FloatVector share = Lanes.all(1 / sum);
        for (int j = 0; j < end; j += COUNT) store(load(z + 4L * j).mul(share), z + 4L * j);
        Lanes.set(log(p, head, t), max + (float) Math.log(sum));
    }

    /** z ← e^(z/√D − less) up to t, zeros beyond; their sum. */
    private float exponentials(long z, float less, int t, int end) {
        int whole = (t + 1) / COUNT * COUNT;
        FloatVector factor = Lanes.all(scale());
        FloatVector shift = Lanes.all(-less);
        FloatVector sums = Lanes.zero();
        for (int j = 0; j < whole; j += COUNT) {
            FloatVector e = Lanes.exp(load(z + 4L * j).fma(factor, shift));
            store(e, z + 4L * j);
            sums = sums.add(e);
        }
        for (int j = whole; j < end; j += COUNT) {
            FloatVector e = Lanes.exp(load(z + 4L * j).fma(factor, shift));
            e = Lanes.zero().blend(e, SPECIES.indexInRange(j, Math.max(j, t + 1)));
            store(e, z + 4L * j);
            sums = sums.add(e);
        }
        return Lanes.sum(sums);
    }

    private void backward(Part p, Gradients at) {
        long line = 4L * p.padded;
        long keys = p.scratch;
        long values = keys + width * line;
        long probabilities = values + width * line;
        long slopes = probabilities + BLOCK * line;
        turned(kv(k, p), p, keys);
        turned(kv(v, p), p, values);
        for (int g = 0; g < group; g++) {
            int head = p.kvHead * group + g;
            for (int from = 0; from < p.count; from += BLOCK) {
                int end = Math.min(p.count, from + BLOCK);
                int rows = end - from;
                int seen = padded(end);
                long queries = query(q, p, head, from);
                long dy = query(at.dy, p, head, from);
                Tile.product(
                        queries, row, 4, keys, line, probabilities, line, rows, seen, width, false);
                Tile.product(dy, row, 4, values, line, slopes, line, rows, seen, width, false);
                for (int t = from; t < end; t++)
                    slope(
                            probabilities + (t - from) * line,
                            slopes + (t - from) * line,
                            query(at.out, p, head, t),
                            query(at.dy, p, head, t),
                            Lanes.get(log(p, head, t)),
                            t,
                            seen);
                Tile.product(
                        slopes,
                        line,
                        4,
                        kv(k, p),
                        kvRow,
                        query(at.dq, p, head, from),
                        row,
                        rows,
                        width,
                        end,
                        false);
                Tile.product(
                        slopes, 4, line, queries, row, kv(at.dk, p), kvRow, end, width, rows, true);
                Tile.product(
                        probabilities,
                        4,
                        line,
                        dy,
                        row,
                        kv(at.dv, p),
                        kvRow,
                        end,
                        width,
                        rows,
                        true);
            }
        }
    }

    /**
     * With P the probabilities of row t and dP = dy·Vᵀ: s ← P∘(dP − dy·out)/√D, the gradient at the
     * unscaled scores; z ← P. Zeros beyond t.
     */
    private void slope(long z, long s, long out, long dy, float log, int t, int end) {
        FloatVector dots = Lanes.zero();
        for (long j = 0; j < 4L * width; j += BYTES) dots = load(out + j).fma(load(dy + j), dots);
        FloatVector dot = Lanes.all(Lanes.sum(dots));
        exponentials(z, log, t, end);
        FloatVector factor = Lanes.all(scale());
        for (int j = 0; j < end; j += COUNT) {
            FloatVector e = load(z + 4L * j).mul(factor);
            store(load(s + 4L * j).sub(dot).mul(e), s + 4L * j);
        }
    }
}
