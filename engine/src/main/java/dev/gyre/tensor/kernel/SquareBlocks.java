package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.get;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.set;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

/**
 * Products of many small square matrices, [r, b, b] each, and their exact Cayley transform. Asked
 * for only where {@link Kernels#fitSquares} says so.
 */
public final class SquareBlocks {
    private SquareBlocks() {}

    /** out[i] = a[i] · b[i]. */
    public static void product(Tensor a, Tensor b, Tensor out) {
        int n = (int) a.size(1);
        long bytes = 4L * n * n;
        long left = Lanes.address(a);
        long right = Lanes.address(b);
        long to = Lanes.address(out);
        Workers.share(
                Math.toIntExact(a.size(0)),
                (from, end) -> {
                    for (long at = from * bytes; at < end * bytes; at += bytes)
                        Tile.product(
                                left + at,
                                4L * n,
                                4,
                                right + at,
                                4L * n,
                                to + at,
                                4L * n,
                                n,
                                n,
                                n,
                                false);
                });
    }

    /** out[i] = (I − q[i])·(I + q[i])⁻¹, which is 2·(I + q[i])⁻¹ − I, for skew-symmetric q[i]. */
    public static void cayley(Tensor q, Tensor out) {
        int n = (int) q.size(1);
        long bytes = 4L * n * n;
        long to = Lanes.address(out);
        out.copyFrom(q);
        Workers.share(
                Math.toIntExact(q.size(0)),
                (from, end) -> {
                    for (long at = to + from * bytes; at < to + end * bytes; at += bytes) {
                        addToDiagonal(at, n, 1);
                        invert(at, n);
                        for (long i = at; i < at + bytes; i += BYTES) store(load(i).mul(2), i);
                        addToDiagonal(at, n, -1);
                    }
                });
    }

    private static void addToDiagonal(long a, int n, float value) {
        for (long k = 0; k < n; k++) set(a + 4 * k * (n + 1), get(a + 4 * k * (n + 1)) + value);
    }

    /**
     * a⁻¹ in a's place, by Gauss and Jordan without pivots: where the symmetric part is the
     * identity, no pivot is below 1. The error grows with ‖a‖: 5e-6 where that is 300.
     */
    private static void invert(long a, int n) {
        long row = 4L * n;
        for (int k = 0; k < n; k++) {
            long pivots = a + k * row;
            float inverse = 1 / get(pivots + 4L * k);
            set(pivots + 4L * k, 1);
            for (long j = 0; j < row; j += BYTES) store(load(pivots + j).mul(inverse), pivots + j);
            for (int i = 0; i < n; i++) {
                if (i == k) continue;
                long other = a + i * row;
                FloatVector factor = Lanes.all(-get(other + 4L * k));
                set(other + 4L * k, 0);
                for (long j = 0; j < row; j += BYTES)
                    store(factor.fma(load(pivots + j), load(other + j)), other + j);
            }
        }
    }
}
