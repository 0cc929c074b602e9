package dev.gyre.data;

import dev.gyre.config.UserError;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The lines of a UTF-8 file, one after another. They end with LF or CRLF; a byte order mark at the
 * start is no part of the first. Bytes are split before they are decoded, so that a bad one is
 * found in its own line, and a line has a limit, so that a file without any cannot fill the memory.
 */
final class Lines implements AutoCloseable {
    private static final int MOST_BYTES = 64 << 20;
    private static final String MARK = "\uFEFF";

    private final Path file;
    private final InputStream in;
    private final byte[] buffer = new byte[1 << 16];
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private int at;
    private int limit;
    private int number;

    Lines(Path file) throws IOException {
        this.file = file;
        this.in = Files.newInputStream(file);
    }

    /**
     * Goes to the next line, if there is one.
     *
     * @throws UserError when it is too long to be a row
     */
    boolean next() throws IOException {
        line.reset();
        boolean begun = false;
        boolean ended = false;
        while (!ended && filled()) {
            if (!begun) number++;
            begun = true;
            int end = at;
            while (end < limit && buffer[end] != '\n') end++;
            line.write(buffer, at, end - at);
            if (line.size() > MOST_BYTES)
                throw new UserError(
                        where()
                                + ": the line is longer than 64 MiB; wanted JSON lines, one object"
                                + " a line");
            ended = end < limit;
            at = ended ? end + 1 : end;
        }
        return begun;
    }

    private boolean filled() throws IOException {
        if (at < limit) return true;
        at = 0;
        limit = Math.max(0, in.read(buffer));
        return limit > 0;
    }

    /** The line's number, from 1. */
    int number() {
        return number;
    }

    /** The line's place as {@code file:line}. */
    String where() {
        return file + ":" + number;
    }

    /**
     * The line without its end.
     *
     * @throws UserError when it is not UTF-8
     */
    String text() {
        byte[] bytes = line.toByteArray();
        int length = bytes.length;
        if (length > 0 && bytes[length - 1] == '\r') length--;
        try {
            String text =
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes, 0, length))
                            .toString();
            return number == 1 && text.startsWith(MARK) ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new UserError(
                    where() + ": not UTF-8 text; wanted JSON lines in UTF-8, one object a line", e);
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
