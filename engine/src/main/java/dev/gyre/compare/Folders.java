package dev.gyre.compare;

import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/** Folders of adapters that nobody wants to keep. */
final class Folders {
    private Folders() {}

    /** Removes a folder with all that is in it, and the one that holds it if that is empty then. */
    static void remove(Path folder) {
        if (!Files.exists(folder)) return;
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
            Path parent = folder.getParent();
            if (parent == null) return;
            try (var others = Files.list(parent)) {
                if (others.findAny().isEmpty()) Files.delete(parent);
            }
        } catch (IOException e) {
            throw new UserError("cannot remove " + folder + ": " + Reasons.of(e), e);
        }
    }
}
