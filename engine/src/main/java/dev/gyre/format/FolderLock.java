package dev.gyre.format;

import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;

/**
 * Says that a run writes into a folder, so that a second one does not at the same time. A file in
 * the folder, locked as long as this is open: the system frees it when the process dies.
 */
public final class FolderLock implements AutoCloseable {
    private static final String NAME = ".gyre.lock";

    private final Path file;
    private final boolean made;
    private final FileChannel channel;

    private FolderLock(Path file, boolean made, FileChannel channel) {
        this.file = file;
        this.made = made;
        this.channel = channel;
    }

    /**
     * Makes the folder where there is none, and locks it.
     *
     * @throws UserError when another run has it, or when nothing can be written there
     */
    public static FolderLock of(Path folder) {
        boolean made = !Files.exists(folder);
        Path file = folder.resolve(NAME);
        try {
            Files.createDirectories(folder);
            var channel =
                    FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (locked(channel, file)) {
                Temporaries.add(file);
                return new FolderLock(file, made, channel);
            }
            channel.close();
        } catch (IOException e) {
            throw new UserError("cannot write into --out " + folder + ": " + Reasons.of(e), e);
        }
        throw new UserError(
                "another run is writing into --out "
                        + folder
                        + "; wait for it, or choose another folder");
    }

    /**
     * Whoever had it removes the file, so it must still be there. It is not opened a second time:
     * closing that would free the lock (fcntl(2), "record locks").
     */
    private static boolean locked(FileChannel channel, Path file) {
        try {
            return channel.tryLock() != null && Files.exists(file);
        } catch (OverlappingFileLockException e) {
            return false;
        } catch (IOException e) {
            return true; // a file system without locks, on which nobody can be asked
        }
    }

    /** Whether a folder holds anything but what a run that was killed left of this. */
    public static boolean isFree(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.allMatch(f -> f.endsWith(NAME));
        }
    }

    /** Frees the folder; one that was made for nothing goes. */
    @Override
    public void close() {
        try (channel) {
            Files.deleteIfExists(file);
            Temporaries.forget(file);
            if (made) Files.deleteIfExists(file.toAbsolutePath().getParent());
        } catch (DirectoryNotEmptyException e) {
            // The run's own files.
        } catch (IOException e) {
            throw new UserError("cannot remove " + file + ": " + Reasons.of(e), e);
        }
    }
}
