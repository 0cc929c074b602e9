package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.get;
import static dev.gyre.tensor.kernel.Lanes.set;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

/**
 * Attention inside each of many sequences, where every token sees itself and those before it, and
 * its backward pass (arXiv 2205.14135, section 3.1 and appendix B.2): the scores of a few queries
 * exist at a time, and are computed again in the backward pass. Scores are scaled by 1/√D.
 *
 * <p>Shapes: q, out [N, H, D]; k, v [N, Hkv, D], each shared by a group of H/Hkv queries' heads;
 * logSumExp of the scaled scores [N, H]. Sequence s is the rows starts[s] … starts[s+1]−1. Asked
 * for only where {@link Kernels#fitAttention} says so.
 */
public final class CausalAttention {
    /** Queries at a time: their scores stay in the second cache, and few masked ones are made. */
    private static final int QUERIES = 32;

    /** Keys at a time in a sum over them: two vectors of each stay in the nearest cache. */
    private static final int KEYS = 128;

    private static final long PANEL = 2 * BYTES;

    private final int heads;
    private final int kvHeads;
    private final int[] starts;
    private final int headDim;
    private final float scale;

    /** Bytes of a head, of a row of queries and of one of keys. */
    private final long head;

    private final long queryRow;
    private final long keyRow;

    private CausalAttention(Tensor q, Tensor k, int[] starts) {
        this.heads = (int) q.size(1);
        this.kvHeads = (int) k.size(1);
        this.headDim = (int) q.size(2);
        this.starts = starts;
        this.scale = (float) (1 / Math.sqrt(headDim));
        this.head = 4L * headDim;
        this.queryRow = heads * head;
        this.keyRow = kvHeads * head;
    }

    /** Writes out and logSumExp. */
    public static void forward(
            Tensor q, Tensor k, Tensor v, int[] starts, Tensor out, Tensor logSumExp) {
        var op = new CausalAttention(q, k, starts);
        long qs = Lanes.address(q);
        long ks = Lanes.address(k);
        long vs = Lanes.address(v);
        long outs = Lanes.address(out);
        long sums = Lanes.address(logSumExp);
        op.overKeyHeads(
                (room, first, count, kv) -> {
                    long keys = ks + first * op.keyRow + kv * op.head;
                    long values = vs + first * op.keyRow + kv * op.head;
                    op.turn(keys, count, room.keys, room.row);
                    for (int h = op.firstOfGroup(kv); h < op.firstOfGroup(kv + 1); h++) {
                        for (int at = 0; at < count; at += QUERIES) {
                            int rows = Math.min(QUERIES, count - at);
                            long place = (first + at) * op.queryRow + h * op.head;
                            long sum = sums + 4 * ((first + at) * op.heads + h);
                            op.scores(qs + place, rows, room.keys, at + rows, room.p, room.row);
                            op.softmax(room, at, rows, sum);
                            op.weighted(room.p, room.row, values, rows, at + rows, outs + place);
                        }
                    }
                });
    }

    /**
     * Gradients at queries, keys and values.
     *
     * @param dy the gradient at out
     * @param out as the forward pass wrote it
     */
    public static void backward(
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            int[] starts,
            Tensor out,
            Tensor logSumExp,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        var op = new CausalAttention(q, k, starts);
        long dys = Lanes.address(dy);
        long qs = Lanes.address(q);
        long ks = Lanes.address(k);
        long vs = Lanes.address(v);
        long outs = Lanes.address(out);
        long sums = Lanes.address(logSumExp);
        long dqs = Lanes.address(dq);
        long dks = Lanes.address(dk);
        long dvs = Lanes.address(dv);
        op.overKeyHeads(
                (room, first, count, kv) -> {
                    long own = first * op.keyRow + kv * op.head;
                    op.turn(ks + own, count, room.keys, room.row);
                    op.turn(vs + own, count, room.values, room.row);
                    op.clear(dks + own, count);
                    op.clear(dvs + own, count);
                    for (int h = op.firstOfGroup(kv); h < op.firstOfGroup(kv + 1); h++) {
                        for (int at = 0; at < count; at += QUERIES) {
                            int rows = Math.min(QUERIES, count - at);
                            int seen = at + rows;
                            long place = (first + at) * op.queryRow + h * op.head;
                            long sum = sums + 4 * ((first + at) * op.heads + h);
                            op.scores(qs + place, rows, room.keys, seen, room.p, room.row);
                            op.scores(dys + place, rows, room.values, seen, room.d, room.row);
                            op.softmaxBackward(room, at, rows, sum, dys + place, outs + place);
                            op.addTurned(room.p, room.row, dys + place, rows, seen, dvs + own);
                            op.addTurned(room.d, room.row, qs + place, rows, seen, dks + own);
                            op.weighted(room.d, room.row, ks + own, rows, seen, dqs + place);
                        }
                    }
                });
    }

    @FunctionalInterface
    private interface Part {
        /** One head of keys of the sequence of {@code count} rows from {@code first} on. */
        void run(Room room, long first, int count, int kv);
    }

    /**
     * What one thread works in.
     *
     * @param keys turned, [D, row]
     * @param values turned, [D, row]
     * @param p of some queries, [QUERIES, row]
     * @param d the gradient at their scores, [QUERIES, row]
     * @param row bytes from one row to the next
     */
    private record Room(long keys, long values, long p, long d, long row) {
        static Room of(int longest, int headDim) {
            // One vector more, so that rows do not lie a power of two apart and share few places of
            // a cache.
            long row = Math.ceilDiv(longest, 2 * COUNT) * PANEL + BYTES;
            Tensor all = Tensor.empty(DType.F32, 2L * (headDim + QUERIES), row / 4);
            long keys = Lanes.address(all);
            long values = keys + headDim * row;
            long p = values + headDim * row;
            return new Room(keys, values, p, p + QUERIES * row, row);
        }
    }

    private void overKeyHeads(Part part) {
        int longest = 0;
        for (int s = 0; s + 1 < starts.length; s++)
            longest = Math.max(longest, starts[s + 1] - starts[s]);
        int most = longest;
        Workers.share(
                (starts.length - 1) * kvHeads,
                (from, to) -> {
                    try (var _ = Scope.open()) {
                        Room room = Room.of(most, headDim);
                        for (int i = from; i < to; i++) {
                            int s = i / kvHeads;
                            part.run(room, starts[s], starts[s + 1] - starts[s], i % kvHeads);
                        }
                    }
                });
    }

    private int firstOfGroup(int kv) {
        return kv * (heads / kvHeads);
    }

    /** Keys or values of a head [count, D] as [D, count], zeros up to the next whole vector. */
    private void turn(long keys, int count, long to, long row) {
        Turn.matrix(keys, keyRow, to, row, count, headDim);
        for (int d = 0; d < headDim; d++)
            for (int j = count; j % COUNT != 0; j++) set(to + d * row + 4L * j, 0);
    }

    private void clear(long keys, int count) {
        for (long n = 0; n < count; n++)
            for (long j = 0; j < head; j += BYTES) store(Lanes.zero(), keys + n * keyRow + j);
    }

    /** scores [rows, seen] = x [rows, D] · keys [D, seen], up to the next whole vector. */
    private void scores(long x, int rows, long keys, int seen, long to, long row) {
        long end = Math.ceilDiv(seen, COUNT) * BYTES;
        for (long j = 0; j < end; j += PANEL) {
            int columns = (int) Math.min(PANEL, end - j) / 4;
            Tile.product(x, queryRow, 4, keys + j, row, to + j, row, rows, columns, headDim, false);
        }
    }

    /** to [rows, D] = p [rows, seen] · values [seen, D]. */
    private void weighted(long p, long row, long values, int rows, int seen, long to) {
        for (int from = 0; from < seen; from += KEYS) {
            int steps = Math.min(KEYS, seen - from);
            for (long j = 0; j < head; j += PANEL) {
                Tile.product(
                        p + 4L * from,
                        row,
                        4,
                        values + from * keyRow + j,
                        keyRow,
                        to + j,
                        queryRow,
                        rows,
                        (int) Math.min(PANEL, head - j) / 4,
                        steps,
                        from > 0);
            }
        }
    }

    /** to [seen, D] += p [rows, seen]ᵀ · x [rows, D]. */
    private void addTurned(long p, long row, long x, int rows, int seen, long to) {
        Tile.product(p, 4, row, x, queryRow, to, keyRow, seen, headDim, rows, true);
    }

    /** p ← the softmax of the scaled scores; their log-sum-exp to its place. */
    private void softmax(Room room, int at, int rows, long logSumExp) {
        long end = Math.ceilDiv(at + rows, COUNT) * BYTES;
        for (int r = 0; r < rows; r++) {
            float sum = MaskedSoftmax.forward(room.p + r * room.row, at + r + 1, end, scale);
            set(logSumExp + 4L * r * heads, sum);
        }
    }

    /** p ← the softmax of the scaled scores again, d ← the gradient at the scores. */
    private void softmaxBackward(Room room, int at, int rows, long logSumExp, long dy, long out) {
        long end = Math.ceilDiv(at + rows, COUNT) * BYTES;
        for (int r = 0; r < rows; r++) {
            float along = MaskedSoftmax.dot(dy + r * queryRow, out + r * queryRow, head);
            float sum = get(logSumExp + 4L * r * heads);
            long p = room.p + r * room.row;
            MaskedSoftmax.backward(p, room.d + r * room.row, at + r + 1, end, scale, sum, along);
        }
    }
}
