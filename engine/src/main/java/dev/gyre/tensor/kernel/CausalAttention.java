package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.HeadAttention.QUERIES;
import static dev.gyre.tensor.kernel.Lanes.BYTES;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.stream.IntStream;

/**
 * Attention inside each of many sequences, where every token sees itself and those before it, and
 * its backward pass. Heads are shared out among threads, and those of long sequences in two pieces;
 * how is not a matter of the number of threads, so that this changes no result.
 *
 * <p>Shapes: q, out [N, H, D]; k, v [N, Hkv, D], each shared by a group of H/Hkv queries' heads.
 * Sequence s is the rows starts[s] … starts[s+1]−1. Asked for only where {@link
 * Kernels#fitAttention} says so.
 */
public final class CausalAttention {
    /**
     * Tokens from which on a sequence is long: it may be alone, and so few heads make uneven
     * shares.
     */
    private static final int LONG = 512;

    private final int heads;
    private final int group;
    private final int headDim;
    private final int[] starts;
    private final int longest;

    /** Pieces of a sequence's queries. */
    private final int cuts;

    /** Bytes of a head, of a row of queries and of one of keys. */
    private final long head;

    private final long queryRow;
    private final long keyRow;

    private CausalAttention(Tensor q, Tensor k, int[] starts) {
        this.heads = (int) q.size(1);
        this.group = heads / (int) k.size(1);
        this.headDim = (int) q.size(2);
        this.starts = starts;
        this.longest = IntStream.range(0, sequences()).map(this::length).max().orElse(0);
        this.cuts = longest < LONG ? 1 : 2;
        this.head = 4L * headDim;
        this.queryRow = heads * head;
        this.keyRow = heads / group * head;
    }

    /** Writes out. */
    public static void forward(Tensor q, Tensor k, Tensor v, int[] starts, Tensor out) {
        var op = new CausalAttention(q, k, starts);
        long qs = Lanes.address(q);
        long ks = Lanes.address(k);
        long vs = Lanes.address(v);
        long outs = Lanes.address(out);
        op.share(
                0,
                op.sequences(),
                op.heads,
                op.cuts,
                (room, first, h, from, end) -> {
                    long kv = op.kv(first, h);
                    room.see(ks + kv, end);
                    for (int at = from; at < end; at += QUERIES) {
                        int rows = Math.min(QUERIES, end - at);
                        long here = op.query(first + at, h);
                        room.forward(at, rows, qs + here, vs + kv, outs + here);
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
        Pull pull =
                (room, first, h, from, end, dks, dvs, row) -> {
                    for (int at = from; at < end; at += QUERIES) {
                        int rows = Math.min(QUERIES, end - at);
                        long here = op.query(first + at, h);
                        room.backward(
                                at,
                                rows,
                                qs + here,
                                dys + here,
                                ks + op.kv(first, h),
                                dqs + here,
                                dks,
                                dvs,
                                row);
                    }
                };
        Piece see =
                (room, first, h, from, end) -> {
                    room.see(ks + op.kv(first, h), end);
                    room.seeValues(vs + op.kv(first, h), end);
                };
        if (op.cuts == 1) op.pullWhole(see, pull, Lanes.address(dk), Lanes.address(dv));
        else
            for (int s = 0; s < op.sequences(); s++)
                if (op.length(s) > 0) op.pullApart(s, see, pull, dk, dv);
    }

    @FunctionalInterface
    private interface Piece {
        /** Queries from … end−1 of one head of the sequence that begins at a row. */
        void run(HeadAttention room, long first, int head, int from, int end);
    }

    @FunctionalInterface
    private interface Pull {
        /** The backward pass of a piece, which adds to the gradients at its keys and values. */
        void run(
                HeadAttention room,
                long first,
                int head,
                int from,
                int end,
                long dk,
                long dv,
                long gradientRow);
    }

    /** A group's heads add their gradients up where they belong. */
    private void pullWhole(Piece see, Pull pull, long dk, long dv) {
        share(
                0,
                sequences(),
                heads / group,
                1,
                (room, first, kv, from, end) -> {
                    int h = kv * group;
                    long own = kv(first, h);
                    see.run(room, first, h, from, end);
                    clear(dk + own, end);
                    clear(dv + own, end);
                    for (; h < (kv + 1) * group; h++)
                        pull.run(room, first, h, from, end, dk + own, dv + own, keyRow);
                });
    }

    /** Each piece has gradients of its own at keys and values; they are added up at the end. */
    private void pullApart(int s, Piece see, Pull pull, Tensor dk, Tensor dv) {
        try (var _ = Scope.open()) {
            int kvHeads = heads / group;
            long pieces = (long) group * cuts;
            Tensor apart = Tensor.zeros(DType.F32, 2, kvHeads * pieces, length(s), headDim);
            long piece = length(s) * head;
            long dks = Lanes.address(apart);
            long dvs = dks + kvHeads * pieces * piece;
            share(
                    s,
                    s + 1,
                    heads,
                    cuts,
                    (room, first, h, from, end) -> {
                        long own = (h * cuts + (from == 0 ? 0 : 1)) * piece;
                        see.run(room, first, h, from, end);
                        pull.run(room, first, h, from, end, dks + own, dvs + own, head);
                    });
            Tensor sums =
                    apart.view(2, kvHeads, pieces, length(s), headDim)
                            .sum(2, false)
                            .permute(0, 2, 1, 3);
            dk.narrow(0, starts[s], length(s)).copyFrom(sums.select(0, 0));
            dv.narrow(0, starts[s], length(s)).copyFrom(sums.select(0, 1));
        }
    }

    /** Pieces of some sequences; those of one head together, so that threads get like shares. */
    private void share(int fromSequence, int toSequence, int count, int cuts, Piece piece) {
        int sequences = toSequence - fromSequence;
        Workers.share(
                sequences * count * cuts,
                (from, to) -> {
                    try (var _ = Scope.open()) {
                        var room = new HeadAttention(longest, headDim, queryRow, keyRow);
                        for (int i = from; i < to; i++) {
                            int s = fromSequence + i % sequences;
                            int cut = i / sequences % cuts;
                            int h = i / sequences / cuts;
                            piece.run(
                                    room, starts[s], h, edge(s, cut, cuts), edge(s, cut + 1, cuts));
                        }
                    }
                });
    }

    /** Where a piece begins: all have about as many scores. */
    private int edge(int sequence, int cut, int cuts) {
        int length = length(sequence);
        if (cut == cuts) return length;
        return (int) (length * Math.sqrt((double) cut / cuts)) / QUERIES * QUERIES;
    }

    private void clear(long keys, int count) {
        for (long n = 0; n < count; n++)
            for (long j = 0; j < head; j += BYTES) Lanes.store(Lanes.zero(), keys + n * keyRow + j);
    }

    /** Bytes from the first query to this one's head. */
    private long query(long row, int h) {
        return row * queryRow + h * head;
    }

    /** Bytes from the first key to that which a query's head sees in this row. */
    private long kv(long row, int h) {
        return row * keyRow + h / group * head;
    }

    private int sequences() {
        return starts.length - 1;
    }

    private int length(int sequence) {
        return starts[sequence + 1] - starts[sequence];
    }
}
