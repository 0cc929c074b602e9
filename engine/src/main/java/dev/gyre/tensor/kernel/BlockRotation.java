package dev.gyre.tensor.kernel;

import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

/**
 * Rows times a block-diagonal matrix, and the two gradients of it. A few rows at a time are taken
 * through all their blocks, so that memory is read in its order; blocks are shared out among
 * threads, so no sum is split.
 *
 * <p>Shapes: x, y [N, r·b]; blocks [r, b, b], applied as y[n, i·b + c] = Σₖ x[n, i·b + k] · R[i, k,
 * c]: OFTv2's input rotation (arXiv 2506.19847). Asked for only where {@link Kernels#fitRotation}
 * says so.
 */
public final class BlockRotation {
    /**
     * Rows at a time: whole tiles, of Java's four rows and of the machine code's six. Of 4 to 128
     * few were fast on AVX2. More keep a block in the nearest cache for longer, but wait for the
     * rows.
     */
    private static final int STRETCH = 12;

    /**
     * Rows at a time in a gradient, which adds to what is in memory once for each stretch: of 16,
     * 32 and 64 what was fast on AVX2, where each row is read once before.
     */
    private static final int GRADIENT_STRETCH = 32;

    private BlockRotation() {}

    /** x ⊙ R. */
    public static void rotate(Tensor x, Tensor blocks, Tensor y) {
        int b = (int) blocks.size(1);
        long row = 4 * x.size(1);
        long from = Lanes.address(x);
        long r = Lanes.address(blocks);
        long to = Lanes.address(y);
        overStretches(
                x,
                b,
                STRETCH,
                (stretch, rows, first, end) -> {
                    for (int i = first; i < end; i++) {
                        long at = stretch * row + 4L * i * b;
                        Tile.product(
                                from + at,
                                row,
                                4,
                                r + 4L * i * b * b,
                                4L * b,
                                to + at,
                                row,
                                rows,
                                b,
                                b,
                                false);
                    }
                });
    }

    /** dy ⊙ Rᵀ: the gradient at x. */
    public static void rotateBack(Tensor dy, Tensor blocks, Tensor dx) {
        try (var _ = Scope.open()) {
            rotate(dy, blocks.transpose(1, 2).contiguous(), dx);
        }
    }

    /** sum[i] += x_iᵀ · dy_i: the gradient at R. */
    public static void gradient(Tensor x, Tensor dy, Tensor sum) {
        int b = (int) sum.size(1);
        long row = 4 * x.size(1);
        long from = Lanes.address(x);
        long with = Lanes.address(dy);
        long to = Lanes.address(sum);
        overStretches(
                x,
                b,
                GRADIENT_STRETCH,
                (stretch, rows, first, end) -> {
                    // In memory's order first: block by block the processor does not foresee what
                    // comes next, and waited for a third of the time.
                    for (long n = stretch; n < stretch + rows; n++) {
                        Lanes.touch(from + n * row + 4L * first * b, 4L * (end - first) * b);
                        Lanes.touch(with + n * row + 4L * first * b, 4L * (end - first) * b);
                    }
                    for (int i = first; i < end; i++) {
                        long at = stretch * row + 4L * i * b;
                        Tile.product(
                                from + at,
                                4,
                                row,
                                with + at,
                                row,
                                to + 4L * i * b * b,
                                4L * b,
                                b,
                                b,
                                rows,
                                true);
                    }
                });
    }

    @FunctionalInterface
    private interface Panel {
        /** Blocks first … end−1 of the rows from {@code stretch} on. */
        void run(long stretch, int rows, int first, int end);
    }

    private static void overStretches(Tensor x, int b, int most, Panel panel) {
        int n = Math.toIntExact(x.size(0));
        int blocks = (int) (x.size(1) / b);
        Workers.share(
                blocks,
                (from, to) -> {
                    for (int at = 0; at < n; at += most)
                        panel.run(at, Math.min(most, n - at), from, to);
                });
    }
}
