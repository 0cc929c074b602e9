package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.get;
import static dev.gyre.tensor.kernel.Lanes.set;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

/**
 * The Cayley-Neumann series of five terms (OFTv2, arXiv 2506.19847): R = I + 2Q + 2Q² + 2Q³ + Q⁴ of
 * skew-symmetric Q, and its gradient, from packed vectors to packed vectors. A block goes through
 * all of it in the nearest caches; over all blocks at once, each operation waits for memory.
 *
 * <p>Shapes: v [r, b(b−1)/2], the strict upper triangles of Q row by row; R [r, b, b]. Asked for
 * only where {@link Kernels#fitSeries} says so.
 */
public final class CayleySeries {
    private CayleySeries() {}

    /** R = (I + 2Q + S)(I + S) with S = Q². */
    public static void rotation(Tensor v, Tensor r) {
        long from = Lanes.address(v);
        long packed = 4 * v.size(1);
        long to = Lanes.address(r);
        over(r, (room, i) -> room.rotation(from + i * packed, to + i * room.bytes));
    }

    /**
     * The gradient at v. With A = I + 2Q + S, B = I + S and R = A·B: D = G·B + (I − 2Q + S)·G and,
     * for M = D + Dᵀ, dQ = 2·G·B − M·Q up to symmetric parts.
     *
     * @param g at R, [r, b, b]
     * @param dv [r, b(b−1)/2]
     */
    public static void gradient(Tensor v, Tensor g, Tensor dv) {
        long from = Lanes.address(v);
        long packed = 4 * v.size(1);
        long with = Lanes.address(g);
        long to = Lanes.address(dv);
        over(
                g,
                (room, i) ->
                        room.gradient(from + i * packed, with + i * room.bytes, to + i * packed));
    }

    @FunctionalInterface
    private interface Step {
        void run(Room room, int block);
    }

    private static void over(Tensor blocks, Step step) {
        int b = (int) blocks.size(1);
        Workers.share(
                Math.toIntExact(blocks.size(0)),
                (from, to) -> {
                    try (var _ = Scope.open()) {
                        var memory = Tensor.zeros(DType.F32, Room.SQUARES, b, b);
                        var room = new Room(b, Lanes.address(memory));
                        for (int i = from; i < to; i++) step.run(room, i);
                    }
                });
    }

    /** What a thread needs for a block: some squares, one after another. */
    private static final class Room {
        static final int SQUARES = 6;

        final int b;
        final long row;
        final long bytes;

        /** The upper triangle of Q; zeros below it, from the start. */
        private final long upper;

        private final long q;
        private final long s;
        private final long a;
        private final long d;
        private final long turned;

        Room(int b, long memory) {
            this.b = b;
            this.row = 4L * b;
            this.bytes = row * b;
            this.upper = memory;
            this.q = upper + bytes;
            this.s = q + bytes;
            this.a = s + bytes;
            this.d = a + bytes;
            this.turned = d + bytes;
        }

        void rotation(long v, long r) {
            unpack(v);
            product(q, q, s);
            Lanes.combine(q, 2, s, 1, a, bytes);
            addIdentity(a);
            addIdentity(s);
            product(a, s, r);
        }

        void gradient(long v, long g, long dv) {
            unpack(v);
            product(q, q, s);
            addIdentity(s);
            product(g, s, a);
            Lanes.combine(q, -2, s, 1, s, bytes);
            product(s, g, d);
            Lanes.combine(a, 1, d, 1, d, bytes);
            turn(d);
            Lanes.combine(d, 1, turned, 1, d, bytes);
            product(d, q, s);
            Lanes.combine(a, 2, s, -1, a, bytes);
            pack(dv);
        }

        private void product(long left, long right, long out) {
            Tile.product(left, row, 4, right, row, out, row, b, b, b, false);
        }

        private void turn(long square) {
            Turn.matrix(square, row, turned, row, b, b);
        }

        private void addIdentity(long square) {
            for (long at = square; at < square + bytes; at += row + 4) set(at, get(at) + 1);
        }

        private void unpack(long v) {
            long from = v;
            for (int i = 0; i < b - 1; i++) {
                Lanes.copy(from, upper + behindDiagonal(i), row - 4L * (i + 1));
                from += row - 4L * (i + 1);
            }
            turn(upper);
            Lanes.combine(upper, 1, turned, -1, q, bytes);
        }

        /** The upper triangle of a less that of its transpose. */
        private void pack(long dv) {
            turn(a);
            Lanes.combine(a, 1, turned, -1, a, bytes);
            long to = dv;
            for (int i = 0; i < b - 1; i++) {
                Lanes.copy(a + behindDiagonal(i), to, row - 4L * (i + 1));
                to += row - 4L * (i + 1);
            }
        }

        /** Where row i of an upper triangle begins. */
        private long behindDiagonal(int i) {
            return i * (row + 4) + 4;
        }
    }
}
