package dev.gyre.cli;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Int8Matrix;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Torch;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code gyre doctor}: what this machine offers, and what to mend. */
@Command(
        name = "doctor",
        description = "Check this machine: JDK, libtorch, BLAS, threads, memory, device, caches.")
final class Doctor implements Commands.Runs {
    private static final long LITTLE_MEMORY = 3_000_000_000L;
    private static final int ROUNDS = 100;
    private static final long BLOCK = 1_500_000;

    /**
     * 100 blocks of 6 MB are 146,000 pages; with a tuned allocator they are touched for the first
     * time once.
     */
    private static final long MANY_FAULTS = 20_000;

    /** Where an NVIDIA driver shows itself. */
    private static final Path DRIVER = Path.of("/dev/nvidiactl");

    private final Shell shell;
    @Mixin private OnDevice device = new OnDevice();

    private final List<String> advice = new ArrayList<>();

    Doctor(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        int java = Runtime.version().feature();
        check(
                "JDK",
                Runtime.version() + ", " + System.getProperty("java.home"),
                java >= 25,
                "gyre needs Java 25 or newer; install one or set JAVA_HOME");
        memory();
        boolean works = torch();
        if (works) {
            device();
            faults();
        }
        Path home = Path.of(System.getProperty("user.home"));
        folder("cache", placed("XDG_CACHE_HOME", home.resolve(".cache")).resolve("gyre"));
        folder("model cache", placed("HF_HOME", home.resolve(".cache/huggingface")));
        folder(
                "natives' cache",
                Path.of(
                        System.getProperty(
                                "org.bytedeco.javacpp.cachedir",
                                home.resolve(".javacpp/cache").toString())));
        advice.forEach(a -> shell.out().println("mend: " + a));
        if (advice.isEmpty()) shell.out().println("all is well");
        shell.flush();
        return advice.isEmpty() ? Exit.DONE : Exit.MEND;
    }

    private void check(String what, String found, boolean good, String mend) {
        shell.out().printf("%s %-15s %s%n", good ? "ok  " : "BAD ", what, found);
        if (!good) advice.add(mend);
        shell.flush();
    }

    private void memory() {
        var system =
                ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);
        long total = ProcessMemory.machineBytes().orElseGet(system::getTotalMemorySize);
        long free = ProcessMemory.availableBytes().orElseGet(system::getFreeMemorySize);
        check(
                "memory",
                Words.bytes(total) + ", " + Words.bytes(free) + " free",
                total >= LITTLE_MEMORY,
                "less than 3 GB of memory: use small models and --activations recompute");
    }

    private boolean torch() {
        long begun = System.nanoTime();
        Optional<String> obstacle = Torch.obstacle();
        if (obstacle.isPresent()) {
            check("libtorch", "cannot be loaded", false, obstacle.get());
            return false;
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        String about = Torch.description();
        check("libtorch", Words.format("loaded in %.1f s", seconds), true, "");
        boolean mkl = about.contains("mkl") || about.contains("MKL");
        check("BLAS", Torch.blas(), true, "");
        check(
                "CPU",
                first(about, "CPU capability").replaceAll(".*: ", "") + (mkl ? ", oneDNN" : ""),
                true,
                "");
        check(
                "threads",
                Torch.threads()
                        + " of "
                        + Runtime.getRuntime().availableProcessors()
                        + " processors",
                true,
                "");
        if (Int8Matrix.possible())
            check(
                    "8-bit products",
                    Int8Matrix.inTwoParts()
                            ? "in two parts, no VNNI: --base-encoding int8 saves no time"
                            : "at once: --base-encoding int8 may save time",
                    true,
                    "");
        return true;
    }

    /** The device asked for; without a wish, whether there is a better one than the CPU. */
    private void device() {
        if (device.name().equals("cuda")) {
            Optional<String> obstacle = Torch.cudaObstacle();
            check("device", "cuda", obstacle.isEmpty(), "--device cuda: " + obstacle.orElse(""));
        } else {
            String more =
                    Files.exists(DRIVER)
                            ? "cpu; an NVIDIA driver is here: try --device cuda"
                            : "cpu";
            check("device", more, true, "");
        }
    }

    private static String first(String text, String word) {
        return text.lines().filter(l -> l.contains(word)).findFirst().orElse("?").strip();
    }

    /** Allocates, touches and frees large blocks, and counts the page faults that this took. */
    private void faults() {
        long before = ProcessMemory.minorFaults().orElse(-1);
        if (before < 0) return;
        for (int i = 0; i < ROUNDS; i++) {
            try (var _ = Scope.open()) {
                Tensor _ = Tensor.zeros(DType.F32, BLOCK).timesInPlace(1);
            }
        }
        long faults = ProcessMemory.minorFaults().orElse(before) - before;
        check(
                "allocator",
                Words.count(faults) + " page faults for " + ROUNDS + " blocks of 6 MB",
                faults < MANY_FAULTS,
                "large blocks go back to the kernel at every free, which costs a third of the"
                        + " speed: start through the launcher ./gyre, or export MALLOC_ARENA_MAX=1"
                        + " MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=17179869184");
    }

    private Path placed(String variable, Path otherwise) {
        String set = shell.environment().getOrDefault(variable, "");
        return set.isEmpty() ? otherwise : Path.of(set);
    }

    private void folder(String what, Path folder) {
        Path there = folder.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) there = there.getParent();
        boolean writable = Files.isWritable(there);
        String room = "";
        try {
            room = ", " + Words.bytes(Files.getFileStore(there).getUsableSpace()) + " free";
        } catch (IOException e) {
            room = ", free space unknown";
        }
        check(
                what,
                folder + (Files.exists(folder) ? "" : " (not made yet)") + room,
                writable,
                folder
                        + " cannot be written; mend its permissions, or set XDG_CACHE_HOME and"
                        + " HF_HOME elsewhere");
    }
}
