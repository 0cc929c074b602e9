package dev.gyre.tensor.kernel;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

/**
 * Rows of f32, each number taken as the sum of two of bf16, and their products with matrices of
 * bf16: x·w ≈ x₀·w + x₁·w. That keeps 16 bits of each number of x, and sums in f32: the error is
 * 2.5·10⁻⁶ of the result's norm, where f32 products have 3·10⁻⁷ and bf16 ones 2·10⁻³. Of what
 * oneMKL calls "float_to_bf16x2", and PyTorch the float32 matmul precision "high", it is the half
 * that a matrix of bf16 leaves.
 *
 * <p>Asked for only where {@link Kernels#fitParts} and {@link Kernels#repayParts} say so. Products
 * below 10⁻³⁰ lose digits: the units take what is below f32's normal range for 0.
 */
public final class Parts {
    /** Rows of a tile; they are padded to a multiple. */
    private static final int HEIGHT = 32;

    /** A matrix's sides are multiples of it. */
    static final int SIDE = 32;

    /** Columns of a panel of w, which is to stay in a core's cache while all rows pass over it. */
    private static final int WIDEST = 288;

    /** Steps of a panel. */
    private static final int DEEPEST = 768;

    private final Tensor parts;
    private final long rows;

    private Parts(Tensor parts, long rows) {
        this.parts = parts;
        this.rows = rows;
    }

    /** Takes rows x [N, d] apart. */
    public static Parts of(Tensor x) {
        long rows = x.size(0);
        long width = x.size(1);
        long padded = Math.ceilDiv(rows, HEIGHT) * HEIGHT;
        Tensor parts = Tensor.empty(DType.BF16, 2, padded, width);
        if (padded > rows) parts.narrow(1, rows, padded - rows).zeroInPlace();
        long from = Lanes.address(x);
        long to = Lanes.address(parts);
        Workers.share(
                Math.toIntExact(rows),
                (first, end) ->
                        PartsPacking.split(
                                from + 4L * first * width,
                                (end - first) * width,
                                to + 2L * first * width,
                                2 * padded * width));
        return new Parts(parts, rows);
    }

    /** x·wᵀ, [N, out], for w [out, in] (BF16). */
    public Tensor times(Tensor w) {
        long from = Lanes.address(w);
        long row = 2 * w.size(1);
        return product(
                w.size(1),
                w.size(0),
                (step, steps, column, columns, to) ->
                        PartsPacking.columns(
                                from + column * row + 2L * step, row, steps, columns, to));
    }

    /** x·w, [N, in], for x [N, out] and w [out, in] (BF16). */
    public Tensor transposeTimes(Tensor w) {
        long from = Lanes.address(w);
        long row = 2 * w.size(1);
        return product(
                w.size(0),
                w.size(1),
                (step, steps, column, columns, to) ->
                        PartsPacking.pairsOfRows(
                                from + step * row + 2L * column, row, steps, columns, to));
    }

    @FunctionalInterface
    private interface Packing {
        /** Packs w's steps × columns from there on. */
        void pack(int step, int steps, int column, int columns, long to);
    }

    private Tensor product(long depth, long columns, Packing packing) {
        Tensor y = Tensor.empty(DType.F32, parts.size(1), columns);
        int most = (int) Math.min(depth, DEEPEST);
        Workers.share(
                Math.toIntExact(columns / SIDE),
                (first, end) -> {
                    try (var _ = Scope.open()) {
                        long packed = Lanes.address(Tensor.empty(DType.BF16, most, WIDEST));
                        for (int c = first * SIDE; c < end * SIDE; c += WIDEST) {
                            int wide = Math.min(WIDEST, end * SIDE - c);
                            for (int step = 0; step < depth; step += most) {
                                int steps = (int) Math.min(most, depth - step);
                                packing.pack(step, steps, c, wide, packed);
                                panel(packed, step, steps, c, wide, y);
                            }
                        }
                    } finally {
                        SmallProducts.done();
                    }
                });
        return y.narrow(0, 0, rows);
    }

    /** All rows with one panel; the small parts first: the others' sum would round them. */
    private void panel(long packed, int step, int steps, int column, int columns, Tensor y) {
        long padded = parts.size(1);
        long width = parts.size(2);
        long yRow = y.size(1);
        for (long row = 0; row < padded; row += HEIGHT) {
            long x = Lanes.address(parts) + 2 * (row * width + step);
            long small = x + 2 * padded * width;
            long to = Lanes.address(y) + 4 * (row * yRow + column);
            SmallProducts.product(
                    HEIGHT, columns, steps, small, width, packed, columns, to, yRow, step > 0);
            SmallProducts.product(
                    HEIGHT, columns, steps, x, width, packed, columns, to, yRow, true);
        }
    }
}
