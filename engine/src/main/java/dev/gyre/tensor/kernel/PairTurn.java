package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

/**
 * Features turned in pairs, one pass forward and one back: y = a ⊙ x + b ⊙ h(x), where h swaps the
 * halves of every group of g features and negates what comes from the second.
 *
 * <p>Shapes: x, y and their gradients [N, d]; a and b [d]. Asked for only where {@link
 * Kernels#fitPairs} says so: half a group is whole vectors, or 1, 2, 4 or 8 lanes of one.
 */
public final class PairTurn {
    /** Rows whose part of a gradient is summed in registers. */
    private static final int ROWS = 32;

    private PairTurn() {}

    /** y = a ⊙ x + b ⊙ h(x). */
    public static void turn(Tensor x, Tensor a, Tensor b, long group, Tensor y) {
        int half = (int) group / 2;
        long row = 4 * x.size(1);
        long from = Lanes.address(x);
        long to = Lanes.address(y);
        long direct = Lanes.address(a);
        long crossed = Lanes.address(b);
        Workers.share(
                (int) x.size(0),
                (first, end) -> {
                    for (long n = first; n < end; n++) {
                        long at = from + n * row;
                        long out = to + n * row;
                        for (long j = 0; j < row; j += BYTES) {
                            FloatVector v = load(at + j);
                            FloatVector h = Halves.swapped(at, j, v, half);
                            h = h.mul(load(crossed + j));
                            store(v.fma(load(direct + j), h), out + j);
                        }
                    }
                });
    }

    /**
     * dx = a ⊙ dy − h(b ⊙ dy).
     *
     * @param dx receives [N, d]; not dy
     */
    public static void turnBack(Tensor dy, Tensor a, Tensor b, long group, Tensor dx) {
        int half = (int) group / 2;
        long row = 4 * dy.size(1);
        long from = Lanes.address(dy);
        long to = Lanes.address(dx);
        long direct = Lanes.address(a);
        long crossed = Lanes.address(b);
        Workers.share(
                (int) dy.size(0),
                (first, end) -> {
                    for (long n = first; n < end; n++) {
                        long at = from + n * row;
                        long out = to + n * row;
                        for (long j = 0; j < row; j += BYTES) {
                            FloatVector d = load(at + j);
                            FloatVector h = Halves.swappedProduct(at, crossed, j, d, half);
                            store(d.fma(load(direct + j), h.neg()), out + j);
                        }
                    }
                });
    }

    /**
     * Adds Σ x ⊙ dy to da and Σ h(x) ⊙ dy to db, sums over the rows.
     *
     * @param da [d]
     * @param db [d]
     */
    public static void gradients(Tensor x, Tensor dy, long group, Tensor da, Tensor db) {
        int half = (int) group / 2;
        int n = (int) x.size(0);
        long row = 4 * x.size(1);
        long from = Lanes.address(x);
        long given = Lanes.address(dy);
        int parts = Math.ceilDiv(n, ROWS);
        long sums = Lanes.address(Tensor.empty(DType.F32, parts, 2, x.size(1)));
        Workers.share(
                parts,
                (first, end) -> {
                    for (int p = first; p < end; p++)
                        part(
                                from + (long) p * ROWS * row,
                                given + (long) p * ROWS * row,
                                Math.min(ROWS, n - p * ROWS),
                                row,
                                half,
                                sums + 2L * p * row);
                });
        add(sums, parts, row, Lanes.address(da));
        add(sums + row, parts, row, Lanes.address(db));
    }

    private static void part(long x, long dy, int rows, long row, int half, long sums) {
        for (long j = 0; j < row; j += BYTES) {
            FloatVector direct = Lanes.zero();
            FloatVector crossed = direct;
            for (int n = 0; n < rows; n++) {
                FloatVector v = load(x + n * row + j);
                FloatVector d = load(dy + n * row + j);
                direct = v.fma(d, direct);
                crossed = Halves.swapped(x + n * row, j, v, half).fma(d, crossed);
            }
            store(direct, sums + j);
            store(crossed, sums + row + j);
        }
    }

    /** The parts' sums, in their order whoever made them. */
    private static void add(long sums, int parts, long row, long to) {
        for (long j = 0; j < row; j += BYTES) {
            FloatVector sum = load(to + j);
            for (int p = 0; p < parts; p++) sum = load(sums + 2L * p * row + j).add(sum);
            store(sum, to + j);
        }
    }

    /** h of a row, a vector at a time. */
    private static final class Halves {
        private static final FloatVector SIGN_8 = sign(8);
        private static final FloatVector SIGN_4 = sign(4);
        private static final FloatVector SIGN_2 = sign(2);
        private static final FloatVector SIGN_1 = sign(1);

        /** −1 for lanes of a first half, 1 for those of a second. */
        private static FloatVector sign(int half) {
            float[] signs = new float[COUNT];
            for (int l = 0; l < COUNT; l++) signs[l] = (l & half) == 0 ? -1 : 1;
            return FloatVector.fromArray(Lanes.SPECIES, signs, 0);
        }

        /** h at the bytes j of a row, where the row itself is v. */
        static FloatVector swapped(long row, long j, FloatVector v, int half) {
            if (half >= COUNT) {
                boolean first = j / (4L * half) % 2 == 0;
                long k = first ? j + 4L * half : j - 4L * half;
                return load(row + k).mul(first ? -1f : 1f);
            }
            return within(v, half);
        }

        /** h of the row times b. */
        static FloatVector swappedProduct(long row, long b, long j, FloatVector v, int half) {
            if (half >= COUNT) {
                boolean first = j / (4L * half) % 2 == 0;
                long k = first ? j + 4L * half : j - 4L * half;
                return load(row + k).mul(load(b + k)).mul(first ? -1f : 1f);
            }
            return within(v.mul(load(b + j)), half);
        }

        private static FloatVector within(FloatVector v, int half) {
            return switch (half) {
                case 8 -> v.rearrange(Turn.BY_8).mul(SIGN_8);
                case 4 -> v.rearrange(Turn.BY_4).mul(SIGN_4);
                case 2 -> v.rearrange(Turn.BY_2).mul(SIGN_2);
                default -> v.rearrange(Turn.BY_1).mul(SIGN_1);
            };
        }
    }
}
