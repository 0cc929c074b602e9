package dev.gyre.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Memory and page faults of this process, as the kernel counts them. */
public final class ProcessMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path MACHINE = Path.of("/proc/meminfo");
    private static final Path STAT = Path.of("/proc/self/stat");

    private ProcessMemory() {}

    /** The high-water mark of resident bytes; empty where the system does not tell. */
    public static OptionalLong peakBytes() {
        return status(STATUS, "VmHWM:");
    }

    /** Resident bytes now; empty where the system does not tell. */
    public static OptionalLong residentBytes() {
        return status(STATUS, "VmRSS:");
    }

    /** Memory of the machine; empty where the system does not tell. */
    public static OptionalLong machineBytes() {
        return status(MACHINE, "MemTotal:");
    }

    /** Memory of the machine that could be had now; empty where the system does not tell. */
    public static OptionalLong availableBytes() {
        return status(MACHINE, "MemAvailable:");
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
