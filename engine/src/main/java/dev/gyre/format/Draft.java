package dev.gyre.format;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file or a model's folder that is looked at before it takes its name: it is written beside under
 * a temporary one. Until {@link #keep} what the name held stays; closing without it removes what
 * was written.
 */
public final class Draft implements AutoCloseable {
    private final Path target;
    private final Path place;

    private Draft(Path target, Path place) {
        this.target = target;
        this.place = place;
    }

    /**
     * A draft of what will have this name.
     *
     * @throws UserError when the folder around it cannot be made
     */
    public static Draft of(Path target) {
        try {
            Path temporary = AtomicFile.temporary(target);
            Files.createDirectories(temporary.getParent());
            return new Draft(target, temporary);
        } catch (IOException e) {
            throw FormatErrors.unwritable(target, e);
        }
    }

    /** Where to write it. */
    public Path place() {
        return place;
    }

    /**
     * Gives it its name. A folder that is there keeps its other files, but for another model's
     * weights.
     *
     * @throws UserError when it cannot be moved
     */
    public void keep() {
        try {
            if (Files.isDirectory(place) && Files.exists(target)) moveInto();
            else move(place, target);
        } catch (IOException e) {
            throw FormatErrors.unwritable(target, e);
        }
    }

    private void moveInto() throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(place)) {
            files = all.toList();
        }
        var names = new HashSet<String>();
        for (Path file : files) {
            String name = String.valueOf(file.getFileName());
            names.add(name);
            move(file, target.resolve(name));
        }
        SafetensorsWriter.removeOthers(target, names);
    }

    private static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() {
        if (!Files.exists(place)) return;
        try (Stream<Path> all = Files.walk(place)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) Files.delete(each);
        } catch (IOException e) {
            throw new UserError(
                    "cannot remove " + place + ", which was not kept: " + e.getMessage(), e);
        }
    }
}
