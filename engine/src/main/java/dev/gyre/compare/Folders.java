package dev.gyre.compare;

import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/** Folders of adapters that nobody wants to keep. */
final class Folders {
    private Folders() {}

    /** Removes a folder with all that is in it. */
    static void remove(Path folder) {
        if (!Files.exists(folder)) return;
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        } catch (IOException e) {
            throw new UserError("cannot remove " + folder + ": " + Reasons.of(e), e);
        }
    }

    /** Removes a folder, unless it holds something. */
    static void removeEmpty(Path folder) {
        try {
            Files.deleteIfExists(folder);
        } catch (DirectoryNotEmptyException e) {
            // What it holds was to be kept.
        } catch (IOException e) {
            throw new UserError("cannot remove " + folder + ": " + Reasons.of(e), e);
        }
    }
}
