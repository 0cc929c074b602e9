package dev.gyre.tensor.kernel;

import dev.gyre.tensor.Tensor;

/**
 * Products whose result has few columns, for which a BLAS is not made: what LoRA (arXiv 2106.09685)
 * has between its two matrices, and the gradients of these. With 16 columns MKL did 49 and 33 to 48
 * GFLOP/s on a Zen 3 core that does 79 and 60 here; with 8, 17 and 11 instead of 41 and 35. What is
 * wide is read a few rows at a time, and what is thin stays in a near cache. Rows, or columns in a
 * gradient, are shared out among threads, so no sum is split.
 *
 * <p>Asked for only where {@link Kernels#fitThin} says so.
 */
public final class ThinProducts {
    /** Rows at a time in a gradient, as in a rotation's. */
    private static final int STRETCH = 32;

    private ThinProducts() {}

    /**
     * h = x · t.
     *
     * @param x [N, wide]
     * @param t [wide, rank]
     * @param h [N, rank]
     */
    public static void narrow(Tensor x, Tensor t, Tensor h) {
        int wide = (int) t.size(0);
        int rank = (int) t.size(1);
        long from = Lanes.address(x);
        long with = Lanes.address(t);
        long to = Lanes.address(h);
        Workers.share(
                Math.toIntExact(x.size(0)),
                (first, end) ->
                        Tile.product(
                                from + 4L * first * wide,
                                4L * wide,
                                4,
                                with,
                                4L * rank,
                                to + 4L * first * rank,
                                4L * rank,
                                end - first,
                                rank,
                                wide,
                                false));
    }

    /**
     * sum += xᵀ · h.
     *
     * @param x [N, wide]
     * @param h [N, rank]
     * @param sum [wide, rank]
     */
    public static void addGradient(Tensor x, Tensor h, Tensor sum) {
        int n = Math.toIntExact(x.size(0));
        int wide = (int) sum.size(0);
        int rank = (int) sum.size(1);
        long from = Lanes.address(x);
        long with = Lanes.address(h);
        long to = Lanes.address(sum);
        Workers.share(
                wide,
                (first, end) -> {
                    for (int at = 0; at < n; at += STRETCH) {
                        int rows = Math.min(STRETCH, n - at);
                        long part = from + 4L * ((long) at * wide + first);
                        // As in a rotation's gradient: what goes down the columns is not foreseen.
                        for (int i = 0; i < rows; i++)
                            Lanes.touch(part + 4L * i * wide, 4L * (end - first));
                        Tile.product(
                                part,
                                4,
                                4L * wide,
                                with + 4L * at * rank,
                                4L * rank,
                                to + 4L * first * rank,
                                4L * rank,
                                end - first,
                                rank,
                                rows,
                                true);
                    }
                });
    }
}
