package dev.gyre.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the process holds, native memory included, as the operating system counts it. */
public final class ProcessMemory {
    private ProcessMemory() {}

    /** The high-water mark of the resident set in bytes; 0 where the system does not tell. */
    public static long peakBytes() {
        return field("VmHWM:");
    }

    /** The resident set now in bytes; 0 where the system does not tell. */
    public static long residentBytes() {
        return field("VmRSS:");
    }

    private static long field(String name) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status")))
                if (line.startsWith(name)) return Long.parseLong(line.replaceAll("\\D+", "")) * 1024;
        } catch (IOException e) {
            return 0; // not Linux
        }
        return 0;
    }
}
