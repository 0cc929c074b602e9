package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.set;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.stream.IntStream;

/**
 * Attention inside each of many sequences, where every token sees itself and those before it, and
 * its backward pass. The scores of a few queries, over all keys that they see, exist at a time; the
 * backward pass computes them again, and with them the softmax, so that it fits the keys and
 * queries that it is given, rounded or not. Scores are scaled by 1/√D.
 *
 * <p>Shapes: q, out [N, H, D]; k, v [N, Hkv, D], each shared by a group of H/Hkv queries' heads.
 * Sequence s is the rows starts[s] … starts[s+1]−1. Asked for only where {@link
 * Kernels#fitAttention} says so.
 */
public final class CausalAttention {
    /** Queries at a time: more make more scores of later tokens, which count for nothing. */
    private static final int QUERIES = 32;

    /** Keys at a time in a sum over them: two vectors of each stay in the nearest cache. */
    private static final int KEYS = 128;

    /** Of 2048 tokens libtorch's was a third faster in a training step, of 256 ours by a little. */
    private static final int LONGEST = 256;

    private static final long PANEL = 2 * BYTES;

    private final int heads;
    private final int group;
    private final int[] starts;
    private final int headDim;
    private final float scale;

    /** Bytes of a head, of a row of queries and of one of keys. */
    private final long head;

    private final long queryRow;
    private final long keyRow;

    private CausalAttention(Tensor q, Tensor k, int[] starts) {
        this.heads = (int) q.size(1);
        this.group = heads / (int) k.size(1);
        this.headDim = (int) q.size(2);
        this.starts = starts;
        this.scale = (float) (1 / Math.sqrt(headDim));
        this.head = 4L * headDim;
        this.queryRow = heads * head;
        this.keyRow = heads / group * head;
    }

    /** Whether no sequence is so long that libtorch's attention is the faster one. */
    public static boolean pays(int[] starts) {
        for (int s = 0; s + 1 < starts.length; s++)
            if (starts[s + 1] - starts[s] > LONGEST) return false;
        return true;
    }

    /** Writes out. */
    public static void forward(Tensor q, Tensor k, Tensor v, int[] starts, Tensor out) {
        var op = new CausalAttention(q, k, starts);
        long qs = Lanes.address(q);
        long ks = Lanes.address(k);
        long vs = Lanes.address(v);
        long outs = Lanes.address(out);
        op.overHeads(
                op.heads,
                (room, first, count, h) -> {
                    long own = first * op.keyRow + h / op.group * op.head;
                    op.turn(ks + own, count, room.keys, room.row);
                    for (int at = 0; at < count; at += QUERIES) {
                        int rows = Math.min(QUERIES, count - at);
                        long place = (first + at) * op.queryRow + h * op.head;
                        op.scores(qs + place, rows, room.keys, at + rows, room.p, room.row);
                        op.softmax(room, at, rows);
                        op.weighted(room.p, room.row, vs + own, rows, at + rows, outs + place);
                    }
                });
    }

    /**
     * Gradients at queries, keys and values.
     *
     * @param dy the gradient at out
     */
    public static void backward(
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            int[] starts,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        var op = new CausalAttention(q, k, starts);
        long dys = Lanes.address(dy);
        long qs = Lanes.address(q);
        long ks = Lanes.address(k);
        long vs = Lanes.address(v);
        long dqs = Lanes.address(dq);
        long dks = Lanes.address(dk);
        long dvs = Lanes.address(dv);
        op.overHeads(
                op.heads / op.group,
                (room, first, count, kv) -> {
                    long own = first * op.keyRow + kv * op.head;
                    op.turn(ks + own, count, room.keys, room.row);
                    op.turn(vs + own, count, room.values, room.row);
                    op.clear(dks + own, count);
                    op.clear(dvs + own, count);
                    for (int h = kv * op.group; h < (kv + 1) * op.group; h++) {
                        for (int at = 0; at < count; at += QUERIES) {
                            int rows = Math.min(QUERIES, count - at);
                            int seen = at + rows;
                            long place = (first + at) * op.queryRow + h * op.head;
                            op.scores(qs + place, rows, room.keys, seen, room.p, room.row);
                            op.scores(dys + place, rows, room.values, seen, room.d, room.row);
                            op.softmax(room, at, rows);
                            op.softmaxBackward(room, at, rows);
                            op.addTurned(room.p, room.row, dys + place, rows, seen, dvs + own);
                            op.addTurned(room.d, room.row, qs + place, rows, seen, dks + own);
                            op.weighted(room.d, room.row, ks + own, rows, seen, dqs + place);
                        }
                    }
                });
    }

    @FunctionalInterface
    private interface Part {
        /** One head of the sequence of {@code count} rows from {@code first} on. */
        void run(Room room, long first, int count, int head);
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

    /** Heads of all sequences; those of one head together, so that threads get like shares. */
    private void overHeads(int count, Part part) {
        int sequences = starts.length - 1;
        int longest = IntStream.range(0, sequences).map(this::length).max().orElse(0);
        Workers.share(
                sequences * count,
                (from, to) -> {
                    try (var _ = Scope.open()) {
                        Room room = Room.of(longest, headDim);
                        for (int i = from; i < to; i++) {
                            int s = i % sequences;
                            part.run(room, starts[s], length(s), i / sequences);
                        }
                    }
                });
    }

    private int length(int sequence) {
        return starts[sequence + 1] - starts[sequence];
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
        for (long j = 0; j < end(seen); j += PANEL) {
            int columns = (int) Math.min(PANEL, end(seen) - j) / 4;
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

    /** p ← the softmax of the scaled scores. */
    private void softmax(Room room, int at, int rows) {
        for (int r = 0; r < rows; r++)
            MaskedSoftmax.forward(room.p + r * room.row, at + r + 1, end(at + rows), scale);
    }

    /** d ← the gradient at the scores. */
    private void softmaxBackward(Room room, int at, int rows) {
        for (int r = 0; r < rows; r++)
            MaskedSoftmax.backward(
                    room.p + r * room.row, room.d + r * room.row, end(at + rows), scale);
    }

    /** Bytes of so many numbers, up to the next whole vector. */
    private static long end(int numbers) {
        return Math.ceilDiv(numbers, COUNT) * BYTES;
    }
}
