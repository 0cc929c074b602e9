package dev.gyre.tensor;

import org.bytedeco.pytorch.global.torch;

import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Loads libtorch, once, with the settings that measured best: MKL as the BLAS on Linux x86-64, no
 * collector behind native pointers (scopes free them), no byte limits that would poll the process's
 * size at each allocation.
 */
public final class Torch {
    /**
     * The switches must stand before JavaCPP's classes are initialised, so this class loads nothing
     * before them.
     */
    static {
        setUnlessSet("org.bytedeco.javacpp.nopointergc", "true");
        setUnlessSet("org.bytedeco.javacpp.maxPhysicalBytes", "0");
        setUnlessSet("org.bytedeco.javacpp.maxBytes", "0");
        String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch", "");
        if (os.contains("linux") && (arch.equals("amd64") || arch.equals("x86_64")))
            setUnlessSet("org.bytedeco.openblas.load", "mkl_rt");
    }

    private Torch() {}

    private static void setUnlessSet(String key, String value) {
        if (System.getProperty(key) == null) System.setProperty(key, value);
    }

    /**
     * Loads the native libraries if they are not loaded yet: about a second, five the first time on
     * a machine.
     */
    static void load() {
        Loaded.threads();
    }

    /**
     * Does work that needs no tensors while another thread loads the native libraries, and ends
     * when both are done; {@link #obstacle} says how the loading went.
     */
    public static <T> T whileLoading(Supplier<T> work) {
        Thread.ofPlatform().daemon().name("gyre-libtorch").start(Torch::obstacle);
        try {
            return work.get();
        } finally {
            // OpenMP counts threads for each thread, and takes the count at its first question.
            if (obstacle().isEmpty()) threads();
        }
    }

    /** Threads that one operation may use. */
    public static int threads() {
        return Loaded.threads();
    }

    /** Sets {@link #threads()}; results of two runs are equal only if this is. */
    public static void threads(int count) {
        if (count < 1)
            throw new IllegalArgumentException("threads must be 1 or more, not " + count);
        load();
        torch.set_num_threads(count);
        Blas.threads(count);
    }

    /** libtorch's own description of its build: compiler, BLAS, CPU capability. */
    public static String description() {
        load();
        try (var text = torch.show_config()) {
            return text.getString();
        }
    }

    /** What multiplies matrices here. */
    public static String blas() {
        load();
        return System.getProperty("org.bytedeco.openblas.load", "openblas")
                + LargeProducts.whose()
                        .map(w -> ", and " + w + " for large f32 products")
                        .orElse("");
    }

    /** Why libtorch cannot be loaded here, and what to do about it; empty when it can. */
    public static Optional<String> obstacle() {
        return Tried.OBSTACLE;
    }

    /** Why no CUDA device can be used, and what to do about it; empty when one can. */
    public static Optional<String> cudaObstacle() {
        return obstacle().or(CudaBuild::obstacle);
    }

    /** What the system's loader said, which JavaCPP hides under what it tried afterwards. */
    static String reason(LinkageError e) {
        Throwable first = e;
        while (first.getCause() != null) first = first.getCause();
        return String.valueOf(first.getMessage());
    }

    /** One try: the JVM remembers that a class could not be initialised, but not why. */
    private static final class Tried {
        static final Optional<String> OBSTACLE = obstacle();

        private static Optional<String> obstacle() {
            try {
                load();
                return Optional.empty();
            } catch (LinkageError e) {
                return Optional.of(
                        CudaBuild.present()
                                ? CudaBuild.librariesMissing(e)
                                : "libtorch cannot be loaded: "
                                        + reason(e)
                                        + ". Its natives for this machine are missing or broken:"
                                        + " delete ~/.javacpp/cache, and build with -Dnatives="
                                        + natives());
            }
        }

        /** What the natives of this machine are called. */
        private static String natives() {
            String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
            String arch = System.getProperty("os.arch", "").equals("aarch64") ? "arm64" : "x86_64";
            String system =
                    os.contains("mac") ? "macosx" : os.contains("win") ? "windows" : "linux";
            return system + "-" + arch;
        }
    }

    private static final class Loaded {
        static {
            torch.set_num_threads(Runtime.getRuntime().availableProcessors());
        }

        static int threads() {
            return torch.get_num_threads();
        }
    }
}
