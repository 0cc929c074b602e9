package dev.gyre.tensor.kernel;

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
                (room, piece) -> {
                    long query = op.query(piece, piece.head);
                    long kv = op.kv(piece, piece.head);
                    room.see(ks + kv, piece.end);
                    room.forward(piece.from, piece.end, qs + query, vs + kv, outs + query);
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
        Part see =
                (room, piece) -> {
                    room.see(ks + op.kv(piece, piece.head), piece.end);
                    room.seeValues(vs + op.kv(piece, piece.head), piece.end);
                };
        Pull pull =
                (room, piece, h, dks, dvs, row) -> {
                    long query = op.query(piece, h);
                    room.backward(
                            piece.from,
                            piece.end,
                            qs + query,
                            dys + query,
                            ks + op.kv(piece, h),
                            dqs + query,
                            dks,
                            dvs,
                            row);
                };
        if (op.cuts == 1) op.pullWhole(see, pull, Lanes.address(dk), Lanes.address(dv));
        else
            for (int s = 0; s < op.sequences(); s++)
                if (op.length(s) > 0) op.pullApart(s, see, pull, dk, dv);
    }

    /**
     * Some queries of one head of a sequence.
     *
     * @param first the sequence's first row
     * @param head of H, the first of those that share keys where it stands for them all
     * @param cut which piece of the head's queries
     * @param from the first of them
     * @param end the one behind the last
     */
    private record Piece(long first, int head, int cut, int from, int end) {}

    @FunctionalInterface
    private interface Part {
        void run(HeadAttention room, Piece piece);
    }

    @FunctionalInterface
    private interface Pull {
        /** The backward pass of a piece, which adds to the gradients at its keys and values. */
        void run(HeadAttention room, Piece piece, int head, long dk, long dv, long gradientRow);
    }

    /** A group's heads add their gradients up where they belong. */
    private void pullWhole(Part see, Pull pull, long dk, long dv) {
        share(
                0,
                sequences(),
                heads / group,
                1,
                (room, piece) -> {
                    long own = kv(piece, piece.head);
                    see.run(room, piece);
                    clear(dk + own, piece.end);
                    clear(dv + own, piece.end);
                    for (int h = piece.head; h < piece.head + group; h++)
                        pull.run(room, piece, h, dk + own, dv + own, keyRow);
                });
    }

    /** Each piece has gradients of its own at keys and values; they are added up at the end. */
    private void pullApart(int s, Part see, Pull pull, Tensor dk, Tensor dv) {
        try (var _ = Scope.open()) {
            int kvHeads = heads / group;
            long pieces = (long) group * cuts;
            Tensor apart = Tensor.zeros(DType.F32, 2, kvHeads * pieces, length(s), headDim);
            long each = length(s) * head;
            long dks = Lanes.address(apart);
            long dvs = dks + kvHeads * pieces * each;
            share(
                    s,
                    s + 1,
                    heads,
                    cuts,
                    (room, piece) -> {
                        long own = (piece.head * cuts + piece.cut) * each;
                        see.run(room, piece);
                        pull.run(room, piece, piece.head, dks + own, dvs + own, head);
                    });
            Tensor sums =
                    apart.view(2, kvHeads, pieces, length(s), headDim)
                            .sum(2, false)
                            .permute(0, 2, 1, 3);
            dk.narrow(0, starts[s], length(s)).copyFrom(sums.select(0, 0));
            dv.narrow(0, starts[s], length(s)).copyFrom(sums.select(0, 1));
        }
    }

    /**
     * All pieces of some sequences; those of one head together, so that threads get like shares.
     *
     * @param count heads, or groups of heads
     */
    private void share(int fromSequence, int toSequence, int count, int cuts, Part part) {
        int sequences = toSequence - fromSequence;
        Workers.share(
                sequences * count * cuts,
                (from, to) -> {
                    try (var _ = Scope.open()) {
                        var room = new HeadAttention(longest, headDim, queryRow, keyRow);
                        for (int i = from; i < to; i++) {
                            int s = fromSequence + i % sequences;
                            int cut = i / sequences % cuts;
                            int h = i / sequences / cuts * (heads / count);
                            int first = edge(s, cut, cuts);
                            int end = edge(s, cut + 1, cuts);
                            part.run(room, new Piece(starts[s], h, cut, first, end));
                        }
                    }
                });
    }

    /** Where a piece begins: all have about as many scores, those of the keys that queries see. */
    private int edge(int sequence, int cut, int cuts) {
        return (int) Math.round(length(sequence) * Math.sqrt((double) cut / cuts));
    }

    private void clear(long keys, int count) {
        for (long n = 0; n < count; n++)
            for (long j = 0; j < head; j += BYTES) Lanes.store(Lanes.zero(), keys + n * keyRow + j);
    }

    /** Bytes from the first row's queries to those of a head in the piece's sequence. */
    private long query(Piece piece, int h) {
        return piece.first * queryRow + h * head;
    }

    /** Bytes from the first row's keys to those that a head sees in the piece's sequence. */
    private long kv(Piece piece, int h) {
        return piece.first * keyRow + h / group * head;
    }

    private int sequences() {
        return starts.length - 1;
    }

    private int length(int sequence) {
        return starts[sequence + 1] - starts[sequence];
    }
}
