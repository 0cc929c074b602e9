package dev.gyre.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Files and folders under temporary names, which an end by a signal removes too. */
final class Temporaries {
    /** What {@link AtomicFile#temporary} gives, twice where a file is inside of a draft. */
    private static final Pattern NAME = Pattern.compile("\\.([^/\\\\]+?)\\.\\d+-[0-9a-f]+\\.tmp");

    private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(Temporaries::removeAll, "temporaries"));
    }

    private Temporaries() {}

    /** A text with the names that temporary ones stand for. */
    static String named(String text) {
        return once(once(text));
    }

    private static String once(String text) {
        return NAME.matcher(text).replaceAll("$1");
    }

    static void add(Path path) {
        OPEN.add(path);
    }

    /** It has its name, or is gone. */
    static void forget(Path path) {
        OPEN.remove(path);
    }

    /** Removes a file, or a folder with all in it, where there is one. */
    static void remove(Path path) throws IOException {
        if (!Files.exists(path)) return;
        try (Stream<Path> all = Files.walk(path)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList())
                Files.deleteIfExists(each);
        }
    }

    private static void removeAll() {
        for (Path path : OPEN) {
            try {
                remove(path);
            } catch (IOException | RuntimeException e) {
                // Nobody is left to tell.
            }
        }
    }
}
