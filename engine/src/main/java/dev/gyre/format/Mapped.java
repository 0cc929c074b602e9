package dev.gyre.format;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Whole files as memory. */
final class Mapped {
    private Mapped() {}

    static MemorySegment read(Path file, Arena arena) {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            throw FormatErrors.unreadable(file, e);
        }
    }

    /** A pipe or a device would block, or has no size to check offsets against. */
    static void checkRegular(Path file) {
        if (!Files.exists(file)) throw new UserError("cannot read " + file + ": no such file");
        if (!Files.isRegularFile(file))
            throw new UserError("cannot read " + file + ": it is not a plain file");
    }
}
