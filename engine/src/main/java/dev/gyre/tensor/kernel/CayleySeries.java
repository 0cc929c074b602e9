package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.get;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.set;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

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
        over(r, 3, (room, i) -> room.rotation(from + i * packed, to + i * room.bytes));
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
                5,
                (room, i) ->
                        room.gradient(from + i * packed, with + i * room.bytes, to + i * packed));
    }

    @FunctionalInterface
    private interface Step {
        void run(Room room, int block);
    }

    private static void over(Tensor blocks, int squares, Step step) {
        int b = (int) blocks.size(1);
        Workers.share(
                Math.toIntExact(blocks.size(0)),
                (from, to) -> {
                    try (var _ = Scope.open()) {
                        var memory = Tensor.empty(DType.F32, squares, b, b);
                        var room = new Room(b, Lanes.address(memory));
                        for (int i = from; i < to; i++) step.run(room, i);
                    }
                });
    }

    /** What a thread needs for a block: some squares, one after another. */
    private static final class Room {
        final int b;
        final long row;
        final long bytes;
        private final long q;
        private final long s;
        private final long a;
        private final long d;
        private final long turned;

        Room(int b, long memory) {
            this.b = b;
            this.row = 4L * b;
            this.bytes = row * b;
            this.q = memory;
            this.s = q + bytes;
            this.a = s + bytes;
            this.d = a + bytes;
            this.turned = d + bytes;
        }

        void rotation(long v, long r) {
            unpack(v);
            product(q, q, s, false);
            for (long j = 0; j < bytes; j += BYTES)
                store(load(q + j).fma(Lanes.all(2), load(s + j)), a + j);
            addIdentity(a);
            addIdentity(s);
            product(a, s, r, false);
        }

        void gradient(long v, long g, long dv) {
            unpack(v);
            product(q, q, s, false);
            addIdentity(s);
            product(g, s, a, false);
            for (long j = 0; j < bytes; j += BYTES) {
                store(load(a + j), d + j);
                store(load(q + j).fma(Lanes.all(-2), load(s + j)), s + j);
            }
            product(s, g, d, true);
            turn(d);
            for (long j = 0; j < bytes; j += BYTES) store(load(d + j).add(load(turned + j)), d + j);
            product(d, q, s, false);
            for (long j = 0; j < bytes; j += BYTES) {
                FloatVector half = load(a + j);
                store(half.add(half).sub(load(s + j)), a + j);
            }
            turn(a);
            pack(dv);
        }

        private void product(long left, long right, long out, boolean add) {
            Tile.product(left, row, 4, right, row, out, row, b, b, b, add);
        }

        private void turn(long square) {
            Turn.matrix(square, row, turned, row, b, b);
        }

        private void addIdentity(long square) {
            for (long at = square; at < square + bytes; at += row + 4) set(at, get(at) + 1);
        }

        private void unpack(long v) {
            long from = v;
            for (int i = 0; i < b; i++) {
                set(q + i * (row + 4), 0);
                for (int j = i + 1; j < b; j++, from += 4) {
                    float x = get(from);
                    set(q + i * row + 4L * j, x);
                    set(q + j * row + 4L * i, -x);
                }
            }
        }

        /** The upper triangle of a less that of what is turned. */
        private void pack(long dv) {
            long to = dv;
            for (int i = 0; i < b; i++)
                for (int j = i + 1; j < b; j++, to += 4)
                    set(to, get(a + i * row + 4L * j) - get(turned + i * row + 4L * j));
        }
    }
}
