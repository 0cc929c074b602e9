package dev.gyre.tensor;

import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.PanelProduct;

import java.util.Optional;

/**
 * Products of large f32 matrices, where MKL under libtorch is not the fastest: on AMD's processors,
 * from some 100 rows on. At 512 rows, on two Zen 3 cores of 209 GFLOP/s, MKL does 148, OpenBLAS 177
 * and {@link PanelProduct} 190; at 64 rows MKL and OpenBLAS are alike. By the processor's maker and
 * not by a trial, because the same run must give the same numbers tomorrow; the property {@code
 * gyre.openblas} says otherwise.
 *
 * <p>Each keeps to the calling thread; large products are shared out here, over {@link Cores}.
 */
final class LargeProducts {
    /** In each dimension; on smaller products MKL is as fast or faster. */
    private static final long FEWEST = 64;

    /**
     * Multiplications for each core, a third of a millisecond, which is some times what the handing
     * over takes. A guess.
     */
    private static final long FEWEST_TO_SHARE = 1 << 24;

    private static final boolean WANTED = wanted();

    private LargeProducts() {}

    private static boolean wanted() {
        String said = System.getProperty("gyre.openblas");
        // Without MKL, libtorch's own products are OpenBLAS's.
        return "mkl_rt".equals(System.getProperty("org.bytedeco.openblas.load"))
                && (said == null ? Processor.madeByAmd() : Boolean.parseBoolean(said));
    }

    /** Whose they are, in words; empty where all products are the BLAS's under libtorch. */
    static Optional<String> whose() {
        if (!present()) return Optional.empty();
        return Optional.of(Kernels.havePanels() ? "Gyre's own and OpenBLAS" : "OpenBLAS");
    }

    private static boolean present() {
        return WANTED && OpenBlas.loads();
    }

    /** A matrix as BLAS sees it; the stride is that of a row, or of a column if transposed. */
    private record Matrix(long address, long rows, long columns, int stride, boolean transposed) {
        static Optional<Matrix> of(Tensor tensor) {
            var t = tensor.torch;
            long rows = t.size(0);
            long columns = t.size(1);
            if (rows < FEWEST || columns < FEWEST) return Optional.empty();
            long down = t.stride(0);
            long right = t.stride(1);
            boolean transposed = right != 1;
            long stride = transposed ? right : down;
            if ((transposed && down != 1)
                    || stride < (transposed ? rows : columns)
                    || Math.max(stride, Math.max(rows, columns)) > Integer.MAX_VALUE)
                return Optional.empty();
            return Optional.of(
                    new Matrix(t.data_ptr().address(), rows, columns, (int) stride, transposed));
        }

        /** Where a row begins, or a column. */
        long row(long index) {
            return address + Float.BYTES * index * (transposed ? 1 : stride);
        }

        long column(long index) {
            return address + Float.BYTES * index * (transposed ? stride : 1);
        }
    }

    /** Whether a · b is its to multiply, on this processor. */
    static boolean fits(Tensor a, Tensor b) {
        return WANTED && takes(a, b) && OpenBlas.loads();
    }

    /** Whether c = a · b is. */
    static boolean fits(Tensor c, Tensor a, Tensor b) {
        return WANTED && takes(c, a, b) && OpenBlas.loads();
    }

    /** Whether it can multiply a · b, and with gain: large matrices of f32 in host memory. */
    static boolean takes(Tensor a, Tensor b) {
        return plain(a)
                && plain(b)
                && a.size(1) == b.size(0)
                && repays(a.size(0), b.size(1), a.size(1));
    }

    /** The same for c = a · b, whose rows must lie one after another. */
    static boolean takes(Tensor c, Tensor a, Tensor b) {
        return takes(a, b)
                && plain(c)
                && c.torch.stride(1) == 1
                && c.size(0) == a.size(0)
                && c.size(1) == b.size(1);
    }

    private static boolean repays(long rows, long columns, long steps) {
        int threads = Torch.threads();
        return threads == 1
                || Math.max(rows, columns) >= threads * FEWEST
                        && rows * columns * steps >= threads * FEWEST_TO_SHARE;
    }

    /** libtorch's own gradients need its own products. */
    private static boolean plain(Tensor t) {
        return t.dim() == 2
                && t.dtype() == DType.F32
                && !t.onGpu()
                && !t.torch.requires_grad()
                && Matrix.of(t).isPresent();
    }

    /** c = factor · a · b + keep · c, for matrices that fit. */
    static void multiply(Tensor c, Tensor a, Tensor b, double factor, double keep) {
        Matrix out = Matrix.of(c).orElseThrow();
        Matrix left = Matrix.of(a).orElseThrow();
        Matrix right = Matrix.of(b).orElseThrow();
        boolean byRows = out.rows >= out.columns;
        long length = byRows ? out.rows : out.columns;
        int parts = Torch.threads();
        Cores.each(
                parts,
                i -> {
                    long from = length * i / parts;
                    part(out, left, right, factor, keep, byRows, from, length * (i + 1) / parts);
                    return true;
                });
    }

    private static void part(
            Matrix c,
            Matrix a,
            Matrix b,
            double factor,
            double keep,
            boolean byRows,
            long from,
            long to) {
        int count = (int) (to - from);
        long ofA = byRows ? a.row(from) : a.address;
        long ofB = byRows ? b.address : b.column(from);
        long ofC = byRows ? c.row(from) : c.column(from);
        int rows = byRows ? count : (int) c.rows;
        int columns = byRows ? (int) c.columns : count;
        int steps = (int) a.columns;
        boolean plain = factor == 1 && (keep == 0 || keep == 1) && !a.transposed;
        if (plain && Kernels.fitPanels(columns, steps))
            PanelProduct.multiply(
                    ofA,
                    (long) Float.BYTES * a.stride,
                    ofB,
                    (long) Float.BYTES * b.stride,
                    b.transposed,
                    ofC,
                    (long) Float.BYTES * c.stride,
                    rows,
                    columns,
                    steps,
                    keep == 1);
        else
            OpenBlas.multiply(
                    ofA,
                    a.stride,
                    a.transposed,
                    ofB,
                    b.stride,
                    b.transposed,
                    ofC,
                    c.stride,
                    rows,
                    columns,
                    steps,
                    (float) factor,
                    (float) keep);
    }
}
