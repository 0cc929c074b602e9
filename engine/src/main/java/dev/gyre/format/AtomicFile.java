package dev.gyre.format;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A file that is either the old one or the whole new one: written beside under a temporary name,
 * forced to disk, then moved. Until {@link #commit} nothing shows under the name; closing without
 * it removes what was written.
 */
public final class AtomicFile implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;

    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    private boolean committed;

    private AtomicFile(Path target, Path temporary, FileChannel channel) {
        this.target = target;
        this.temporary = temporary;
        this.channel = channel;
    }

    /** What to write into a file. */
    @FunctionalInterface
    public interface Content {
        void writeTo(FileChannel channel) throws IOException;
    }

    private static AtomicFile begin(Path target) throws IOException {
        Path temporary = temporary(target);
        Files.createDirectories(temporary.getParent());
        Temporaries.add(temporary);
        // not createTempFile: the file keeps the usual permissions
        var channel =
                FileChannel.open(
                        temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        return new AtomicFile(target, temporary, channel);
    }

    /** A name beside a target's that nothing has. */
    static Path temporary(Path target) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null) throw new IOException("not a file's name");
        return folder.resolve(
                "."
                        + target.getFileName()
                        + "."
                        + ProcessHandle.current().pid()
                        + "-"
                        + Long.toHexString(System.nanoTime())
                        + ".tmp");
    }

    /**
     * Writes a whole file.
     *
     * @throws UserError when it cannot be written; the old file, if any, is still there
     */
    public static void write(Path target, Content content) {
        write(List.of(new Part(target, content)));
    }

    /**
     * Looks whether a file could be written, before the work for it is done.
     *
     * @throws UserError when not
     */
    public static void check(Path target) {
        if (Files.isDirectory(target))
            throw new UserError("cannot write " + target + ": it is a folder");
        try {
            begin(target).close();
        } catch (IOException e) {
            throw FormatErrors.unwritable(target, e);
        }
    }

    /** Writes a text file in UTF-8. */
    public static void write(Path target, String text) {
        write(target, text(text));
    }

    /** A file and what to write into it. */
    public record Part(Path target, Content content) {}

    /**
     * Writes files that belong together: none takes its name before all are whole.
     *
     * @throws UserError when one cannot be written; the old files, if any, are still there
     */
    public static void write(List<Part> parts) {
        var begun = new ArrayList<AtomicFile>();
        Path at = parts.getFirst().target;
        try {
            for (Part part : parts) {
                at = part.target;
                var file = begin(at);
                begun.add(file);
                part.content.writeTo(file.channel);
                file.force();
            }
            for (var file : begun) {
                at = file.target;
                file.commit();
            }
        } catch (IOException e) {
            throw FormatErrors.unwritable(at, e);
        } finally {
            discard(begun);
        }
    }

    private static void discard(List<AtomicFile> files) {
        UserError failure = null;
        for (var file : files) {
            try {
                file.close();
            } catch (IOException e) {
                failure = FormatErrors.unwritable(file.target, e);
            }
        }
        if (failure != null) throw failure;
    }

    /** A text in UTF-8. */
    public static Content text(String text) {
        return bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    public static Content bytes(byte[] bytes) {
        return channel -> writeAll(channel, ByteBuffer.wrap(bytes));
    }

    /** Another file's content. */
    public static Content copyOf(Path source) {
        return channel -> {
            try (var from = FileChannel.open(source, StandardOpenOption.READ)) {
                for (long done = 0; done < from.size(); )
                    done += from.transferTo(done, from.size() - done, channel);
            }
        };
    }

    static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) channel.write(bytes);
    }

    /** Native memory goes out as it is; an array of any kind through a small buffer. */
    static void writeAll(FileChannel channel, MemorySegment bytes) throws IOException {
        var buffer =
                bytes.isNative() ? ByteBuffer.allocate(0) : ByteBuffer.allocateDirect(CHUNK_BYTES);
        for (long at = 0; at < bytes.byteSize(); at += CHUNK_BYTES) {
            var part = bytes.asSlice(at, Math.min(CHUNK_BYTES, bytes.byteSize() - at));
            if (bytes.isNative()) {
                writeAll(channel, part.asByteBuffer());
            } else {
                MemorySegment.ofBuffer(buffer.clear()).asSlice(0, part.byteSize()).copyFrom(part);
                writeAll(channel, buffer.limit((int) part.byteSize()));
            }
        }
    }

    private void force() throws IOException {
        channel.force(true);
    }

    private void commit() throws IOException {
        channel.close();
        Files.move(
                temporary,
                target,
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        Temporaries.forget(temporary);
        committed = true;
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            if (!committed) Files.deleteIfExists(temporary);
            Temporaries.forget(temporary);
        }
    }
}
