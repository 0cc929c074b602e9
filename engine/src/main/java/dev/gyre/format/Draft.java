package dev.gyre.format;

import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.stream.Stream;

/**
 * A file or a model's folder that is looked at before it takes its name. It is written beside,
 * under a temporary one; for a folder that is there already inside of that, which alone may be on
 * another disk, or all that may be written to. Until {@link #keep} what the name held stays;
 * closing without it removes what was written.
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
            Path inside = target.resolve(String.valueOf(target.getFileName()));
            Path temporary = AtomicFile.temporary(Files.isDirectory(target) ? inside : target);
            Files.createDirectories(temporary.getParent());
            Temporaries.add(temporary);
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
        if (Files.isDirectory(target)) {
            moveInto();
            return;
        }
        try {
            move(place, target);
        } catch (IOException e) {
            throw FormatErrors.unwritable(target, e);
        }
    }

    private void moveInto() {
        var names = new HashSet<String>();
        try (Stream<Path> all = Files.list(place)) {
            for (Path file : all.toList()) {
                String name = String.valueOf(file.getFileName());
                move(file, target.resolve(name));
                names.add(name);
            }
        } catch (IOException e) {
            if (names.isEmpty()) throw FormatErrors.unwritable(target, e);
            throw new UserError(
                    "%s is half old, half new, since a file of it cannot be replaced: %s. Write it again before you use it."
                            .formatted(target, Reasons.of(e)),
                    e);
        }
        SafetensorsWriter.removeOthers(target, names);
    }

    private static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() {
        try {
            Temporaries.remove(place);
            Temporaries.forget(place);
        } catch (IOException e) {
            throw new UserError(
                    "cannot remove " + place + ", which was not kept: " + e.getMessage(), e);
        }
    }
}
