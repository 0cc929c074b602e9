package dev.gyre.tensor;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/** Memory and page faults of this process, as the kernel counts them. */
public final class ProcessMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path MACHINE = Path.of("/proc/meminfo");
    private static final Path CLEAR = Path.of("/proc/self/clear_refs");
    private static final Path STAT = Path.of("/proc/self/stat");

    private ProcessMemory() {}

    /** The high-water mark of resident bytes; empty where the system does not tell. */
    public static OptionalLong peakBytes() {
        return status(STATUS, "VmHWM:");
    }

    /**
     * Begins a new high-water mark: from here on {@link #peakBytes} is that of what follows. Memory
     * that was freed goes back to the system first, or the mark would begin where earlier work left
     * it.
     *
     * @return whether the system can do that
     */
    public static boolean beginPeak() {
        System.gc();
        trim();
        try {
            // See proc(5): 5 resets the peak resident set size.
            Files.writeString(CLEAR, "5");
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Gives back what the C library keeps for later; where it has no such function, nothing. */
    @SuppressWarnings("restricted") // a function of the C library that Java does not offer
    private static void trim() {
        var linker = Linker.nativeLinker();
        var trim = linker.defaultLookup().find("malloc_trim");
        if (trim.isEmpty()) return;
        var type = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG);
        try {
            int _ = (int) linker.downcallHandle(trim.get(), type).invokeExact(0L);
        } catch (Throwable e) {
            throw new IllegalStateException("malloc_trim", e);
        }
    }

    /** Resident bytes now; empty where the system does not tell. */
    public static OptionalLong residentBytes() {
        return status(STATUS, "VmRSS:");
    }

    /**
     * Memory of the machine, or of the container that this runs in; empty where the system does not
     * tell.
     */
    public static OptionalLong machineBytes() {
        return least(status(MACHINE, "MemTotal:"), MemoryGroup.own().map(MemoryGroup::most));
    }

    /** What of {@link #machineBytes} could be had now; empty where the system does not tell. */
    public static OptionalLong availableBytes() {
        return least(status(MACHINE, "MemAvailable:"), MemoryGroup.own().map(MemoryGroup::left));
    }

    private static OptionalLong least(OptionalLong machine, Optional<Long> group) {
        return LongStream.concat(machine.stream(), group.stream().mapToLong(Long::longValue)).min();
    }

    /** Page faults that needed no disk since the start; empty where the system does not tell. */
    public static OptionalLong minorFaults() {
        try {
            String stat = Files.readString(STAT);
            // The second field is the program's name in parentheses and may hold blanks.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return OptionalLong.of(Long.parseLong(fields[7]));
        } catch (IOException | RuntimeException e) {
            return OptionalLong.empty();
        }
    }

    private static OptionalLong status(Path file, String key) {
        try (var lines = Files.lines(file)) {
            return lines.filter(l -> l.startsWith(key))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", "")) * 1024)
                    .findFirst();
        } catch (IOException | RuntimeException e) {
            return OptionalLong.empty();
        }
    }
}
