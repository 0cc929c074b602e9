package dev.gyre.tensor;

import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
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

/**
 * OpenBLAS's product of f32 matrices, beside the MKL under libtorch. It keeps to the calling
 * thread: its own threads would spin for milliseconds after a product.
 */
final class OpenBlas {
    private static final int ROW_MAJOR = 101;
    private static final int AS_IT_IS = 111;
    private static final int TRANSPOSED = 112;

    private OpenBlas() {}

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

    /** Whether it is there. */
    static boolean loads() {
        return Loaded.PRODUCT != null;
    }

    /**
     * c = factor · a · b + keep · c; addresses, and strides in numbers.
     *
     * @param a [rows, steps], or where {@code turnA} [steps, rows]
     * @param b [steps, columns], or where {@code turnB} [columns, steps]
     * @param c [rows, columns]
     */
    static void multiply(
            long a,
            int aStride,
            boolean turnA,
            long b,
            int bStride,
            boolean turnB,
            long c,
            int cStride,
            int rows,
            int columns,
            int steps,
            float factor,
            float keep) {
        try {
            Objects.requireNonNull(Loaded.PRODUCT)
                    .invokeExact(
                            ROW_MAJOR,
                            turnA ? TRANSPOSED : AS_IT_IS,
                            turnB ? TRANSPOSED : AS_IT_IS,
                            rows,
                            columns,
                            steps,
                            factor,
                            a,
                            aStride,
                            b,
                            bStride,
                            keep,
                            c,
                            cStride);
        } catch (Throwable e) { // the linker's signature; the function throws nothing
            throw new IllegalStateException(e);
        }
    }
}
