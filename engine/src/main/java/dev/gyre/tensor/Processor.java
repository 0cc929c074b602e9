package dev.gyre.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What Linux says about the first of this machine's processors; nothing on other systems. */
public final class Processor {
    private static final Map<String, String> SAID = read();

    private Processor() {}

    private static Map<String, String> read() {
        var said = new HashMap<String, String>();
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            for (String line : lines.takeWhile(l -> !l.isBlank()).toList()) {
                int colon = line.indexOf(':');
                if (colon > 0)
                    said.put(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
            }
        } catch (IOException | UncheckedIOException e) {
            // Another system, or a container that hides the file: nothing is known then.
        }
        return said;
    }

    /** As its maker calls it. */
    public static Optional<String> name() {
        return Optional.ofNullable(SAID.get("model name"));
    }

    static boolean madeByAmd() {
        return "AuthenticAMD".equals(SAID.get("vendor_id"));
    }

    /** Whether it has all of these features, in Linux's names, and the system lets them be used. */
    public static boolean has(String... features) {
        return List.of(SAID.getOrDefault("flags", "").split(" ")).containsAll(List.of(features));
    }
}
