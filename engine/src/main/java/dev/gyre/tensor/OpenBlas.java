package dev.gyre.tensor;

import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;

/**
 * OpenBLAS's product of f32 matrices, beside the MKL under libtorch: on AMD's processors it is the
 * faster of the two from some 100 rows on (at 512 rows 177 against 148 GFLOP/s on two Zen 3 cores,
 * of 209 that they can do; at 64 they are alike). By the processor's maker and not by a trial,
 * because the same run must give the same numbers tomorrow; the property {@code gyre.openblas} says
 * otherwise.
 *
 * <p>It keeps to the calling thread. Its own threads would spin for milliseconds after a product,
 * so large ones are shared out here, over {@link Cores}.
 */
final class OpenBlas {
    /** In each dimension; on smaller products MKL is as fast or faster. */
    private static final long FEWEST = 64;

    /** Rows or columns for each core; shared out in smaller parts, the handing over costs more. */
    private static final long FEWEST_TO_SHARE = 512;

    private static final int ROW_MAJOR = 101;
    private static final int AS_IT_IS = 111;
    private static final int TRANSPOSED = 112;

    private static final boolean WANTED = wanted();

    private OpenBlas() {}

    private static boolean wanted() {
        String said = System.getProperty("gyre.openblas");
        // Without MKL, libtorch's own products are OpenBLAS's.
        return "mkl_rt".equals(System.getProperty("org.bytedeco.openblas.load"))
                && (said == null ? madeByAmd() : Boolean.parseBoolean(said));
    }

    private static boolean madeByAmd() {
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.limit(64)
                    .anyMatch(l -> l.startsWith("vendor_id") && l.endsWith("AuthenticAMD"));
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    /** One try, at the first product. */
    private static final class Loaded {
        static final @Nullable MethodHandle PRODUCT;

        static {
            MethodHandle product = null;
            try {
                product = load();
            } catch (IOException | IllegalArgumentException | NoSuchElementException e) {
                // No room for its file, or it is another build: MKL does all, and doctor says so.
            }
            PRODUCT = product;
        }

        @SuppressWarnings("restricted") // functions that libtorch does not offer
        private static MethodHandle load() throws IOException {
            SymbolLookup library = SymbolLookup.libraryLookup(file(), Arena.global());
            Linker linker = Linker.nativeLinker();
            MethodHandle threads =
                    linker.downcallHandle(
                            library.findOrThrow("openblas_set_num_threads"),
                            FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
            try {
                threads.invokeExact(1);
            } catch (Throwable e) { // the linker's signature; the function throws nothing
                throw new IllegalStateException(e);
            }
            return linker.downcallHandle(
                    library.findOrThrow("cblas_sgemm"),
                    FunctionDescriptor.ofVoid(
                            ValueLayout.JAVA_INT, // order
                            ValueLayout.JAVA_INT, // a transposed
                            ValueLayout.JAVA_INT, // b transposed
                            ValueLayout.JAVA_INT, // m
                            ValueLayout.JAVA_INT, // n
                            ValueLayout.JAVA_INT, // k
                            ValueLayout.JAVA_FLOAT, // alpha
                            ValueLayout.JAVA_LONG, // a
                            ValueLayout.JAVA_INT, // its row's stride
                            ValueLayout.JAVA_LONG, // b
                            ValueLayout.JAVA_INT,
                            ValueLayout.JAVA_FLOAT, // beta
                            ValueLayout.JAVA_LONG, // c
                            ValueLayout.JAVA_INT));
        }

        /**
         * The library in JavaCPP's cache, under a name of its own: JavaCPP lays a link to MKL where
         * it would unpack OpenBLAS.
         */
        private static Path file() throws IOException {
            URL packed =
                    Loader.class.getResource(
                            "/org/bytedeco/openblas/linux-x86_64/libopenblas.so.0");
            if (packed == null) throw new IOException("OpenBLAS is not in the class path");
            long bytes = packed.openConnection().getContentLengthLong();
            Path folder = Loader.getCacheDir().toPath();
            Path file = folder.resolve("gyre-openblas-" + bytes + ".so");
            if (Files.exists(file) && Files.size(file) == bytes) return file;
            Path partial = Files.createTempFile(folder, "gyre-openblas", ".partial");
            try (var in = packed.openStream()) {
                Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
                Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(partial);
            }
            return file;
        }
    }

    /** Whether it is there, wanted or not. */
    static boolean loads() {
        return Loaded.PRODUCT != null;
    }

    /** Whether large products are its. */
    static boolean present() {
        return WANTED && loads();
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

        int order() {
            return transposed ? TRANSPOSED : AS_IT_IS;
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
        return WANTED && takes(a, b) && loads();
    }

    /** Whether c = a · b is. */
    static boolean fits(Tensor c, Tensor a, Tensor b) {
        return WANTED && takes(c, a, b) && loads();
    }

    /** Whether it can multiply a · b, and with gain: large matrices of f32 in host memory. */
    static boolean takes(Tensor a, Tensor b) {
        return plain(a) && plain(b) && a.size(1) == b.size(0) && repays(a.size(0), b.size(1));
    }

    /** The same for c = a · b, whose rows must lie one after another. */
    static boolean takes(Tensor c, Tensor a, Tensor b) {
        return takes(a, b)
                && plain(c)
                && c.torch.stride(1) == 1
                && c.size(0) == a.size(0)
                && c.size(1) == b.size(1);
    }

    private static boolean repays(long rows, long columns) {
        int threads = Torch.threads();
        return threads == 1 || Math.max(rows, columns) >= threads * FEWEST_TO_SHARE;
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
        try {
            Objects.requireNonNull(Loaded.PRODUCT)
                    .invokeExact(
                            ROW_MAJOR,
                            a.order(),
                            b.order(),
                            byRows ? count : (int) c.rows,
                            byRows ? (int) c.columns : count,
                            (int) a.columns,
                            (float) factor,
                            byRows ? a.row(from) : a.address,
                            a.stride,
                            byRows ? b.address : b.column(from),
                            b.stride,
                            (float) keep,
                            byRows ? c.row(from) : c.column(from),
                            c.stride);
        } catch (Throwable e) { // the linker's signature; the function throws nothing
            throw new IllegalStateException(e);
        }
    }
}
