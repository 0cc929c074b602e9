package dev.gyre.tensor.kernel;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

/**
 * Rows of f32, each number taken as the sum of two of bf16, and their products with matrices taken
 * apart in the same way: x·w ≈ x₀·w₀ + x₀·w₁ + x₁·w₀, without the product of the two small parts.
 * That keeps 16 bits of each number, and sums in f32: the error is 5·10⁻⁶ of the result's norm,
 * where f32 products have 3·10⁻⁷ and bf16 ones 2·10⁻³. oneMKL knows it as "float_to_bf16x2",
 * PyTorch as the float32 matmul precision "high".
 *
 * <p>Asked for only where {@link Kernels#fitParts} says so. Products below 10⁻³⁰ lose digits: the
 * units take what is below f32's normal range for 0.
 */
public final class Parts {
    private static final int MOST = 2;

    /** Rows of a tile; they are padded to a multiple. */
    private static final int HEIGHT = 32;

    /** A matrix's sides are multiples of it. */
    static final int SIDE = 32;

    /** Columns of a panel of w, which stays in a core's cache while all rows pass over it. */
    private static final int WIDEST = 288;

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
        long padded = Math.ceilDiv(rows, HEIGHT) * HEIGHT;
        Tensor parts = Tensor.empty(DType.BF16, MOST, padded, x.size(1));
        if (padded > rows) parts.narrow(1, rows, padded - rows).zeroInPlace();
        split(x, parts, 0);
        return new Parts(parts, rows);
    }

    /** Writes the parts of x [N, d] into rows from {@code at} on of parts [2, .., d] (BF16). */
    public static void split(Tensor x, Tensor parts, long at) {
        long width = x.size(1);
        long apart = 2 * parts.size(1) * width;
        long from = Lanes.address(x);
        long to = Lanes.address(parts) + 2 * at * width;
        Workers.share(
                Math.toIntExact(x.size(0)),
                (first, end) ->
                        PartsPacking.split(
                                from + 4L * first * width,
                                (end - first) * width,
                                to + 2L * first * width,
                                apart));
    }

    /**
     * x·wᵀ, [N, out].
     *
     * @param w [1 or 2, out, in], BF16: one part of each number, or two
     */
    public Tensor times(Tensor w) {
        long from = Lanes.address(w);
        long row = 2 * w.size(2);
        long part = row * w.size(1);
        return product(
                w.size(0),
                w.size(2),
                w.size(1),
                (p, step, steps, column, columns, to) ->
                        PartsPacking.columns(
                                from + p * part + column * row + 2L * step,
                                row,
                                steps,
                                columns,
                                to));
    }

    /** x·w, [N, in], for x [N, out] and w as in {@link #times}. */
    public Tensor transposeTimes(Tensor w) {
        long from = Lanes.address(w);
        long row = 2 * w.size(2);
        long part = row * w.size(1);
        return product(
                w.size(0),
                w.size(1),
                w.size(2),
                (p, step, steps, column, columns, to) ->
                        PartsPacking.pairsOfRows(
                                from + p * part + step * row + 2L * column,
                                row,
                                steps,
                                columns,
                                to));
    }

    @FunctionalInterface
    private interface Packing {
        /** Packs a part of w's steps × columns from there on. */
        void pack(long part, int step, int steps, int column, int columns, long to);
    }

    private Tensor product(long partsOfW, long depth, long columns, Packing packing) {
        long padded = parts.size(1);
        Tensor y = Tensor.empty(DType.F32, padded, columns);
        int most = (int) Math.min(depth, DEEPEST);
        Workers.share(
                Math.toIntExact(columns / SIDE),
                (first, end) -> {
                    try (var _ = Scope.open()) {
                        var panel = new Panel(y, partsOfW, most);
                        for (int c = first * SIDE; c < end * SIDE; c += WIDEST)
                            for (int step = 0; step < depth; step += most)
                                panel.product(
                                        packing,
                                        c,
                                        Math.min(WIDEST, end * SIDE - c),
                                        step,
                                        (int) Math.min(most, depth - step));
                    } finally {
                        SmallProducts.done();
                    }
                });
        return y.narrow(0, 0, rows);
    }

    /** A thread's stretch of w, and the products of all rows with it. */
    private final class Panel {
        private final Tensor y;
        private final long partsOfW;
        private final long packed;

        Panel(Tensor y, long partsOfW, int most) {
            this.y = y;
            this.partsOfW = partsOfW;
            this.packed = Lanes.address(Tensor.empty(DType.BF16, partsOfW, most, WIDEST));
        }

        /** The smallest products first: the others' sum would round them. */
        void product(Packing packing, int column, int columns, int step, int steps) {
            long size = 2L * steps * columns;
            for (long p = 0; p < partsOfW; p++)
                packing.pack(p, step, steps, column, columns, packed + p * size);
            long padded = parts.size(1);
            long width = parts.size(2);
            long second = 2 * padded * width;
            for (long row = 0; row < padded; row += HEIGHT) {
                long x = Lanes.address(parts) + 2 * (row * width + step);
                long to = Lanes.address(y) + 4 * (row * y.size(1) + column);
                tile(columns, steps, x + second, packed, to, step > 0);
                if (partsOfW > 1) tile(columns, steps, x, packed + size, to, true);
                tile(columns, steps, x, packed, to, true);
            }
        }

        private void tile(int columns, int steps, long x, long w, long to, boolean add) {
            SmallProducts.product(
                    HEIGHT, columns, steps, x, parts.size(2), w, columns, to, y.size(1), add);
        }
    }
}
