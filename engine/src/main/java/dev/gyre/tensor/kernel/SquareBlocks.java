package dev.gyre.tensor.kernel;

import dev.gyre.tensor.Tensor;

/**
 * Products of many small square matrices, [r, b, b] each. Asked for only where {@link
 * Kernels#fitSquares} says so.
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
}
