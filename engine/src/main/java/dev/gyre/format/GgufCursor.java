package dev.gyre.format;

import dev.gyre.config.UserError;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Reads GGUF's little-endian fields one after another; nothing beyond the file's end. */
final class GgufCursor {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Far above any model; keeps a hostile file from filling the heap with objects. */
    static final long MAX_COUNT = 1 << 22;

    /** Of all texts of a header together. */
    static final int MAX_TEXT_BYTES = 1 << 27;

    private final Path file;
    private final MemorySegment all;
    private long at;
    private long textBytes;

    GgufCursor(Path file, MemorySegment all) {
        this.file = file;
        this.all = all;
    }

    long at() {
        return at;
    }

    /** The bytes from there to here. */
    MemorySegment since(long from) {
        return all.asSlice(from, at - from);
    }

    long remaining() {
        return all.byteSize() - at;
    }

    UserError damaged(String what) {
        return FormatErrors.damaged(file, "GGUF", what + " (near byte " + at + ")");
    }

    private long advance(long bytes) {
        if (bytes < 0 || bytes > remaining()) throw damaged("it ends within its header");
        long from = at;
        at += bytes;
        return from;
    }

    byte i8() {
        return all.get(ValueLayout.JAVA_BYTE, advance(1));
    }

    short i16() {
        return all.get(SHORT, advance(2));
    }

    int i32() {
        return all.get(INT, advance(4));
    }

    long u32() {
        return i32() & 0xFFFFFFFFL;
    }

    long i64() {
        return all.get(LONG, advance(8));
    }

    /** A number of things, each of which takes at least so many bytes of the rest of the file. */
    long count(String what, long eachBytes) {
        long count = i64();
        if (count < 0 || count > remaining() / eachBytes || count > MAX_COUNT)
            throw damaged(Long.toUnsignedString(count) + " " + what + " cannot fit");
        return count;
    }

    String text(String what, int maxBytes) {
        long length = i64();
        if (length < 0 || length > remaining() || length > maxBytes)
            throw damaged(
                    "%s of %s bytes cannot be".formatted(what, Long.toUnsignedString(length)));
        textBytes += length;
        if (textBytes > MAX_TEXT_BYTES) throw damaged("its texts are too long");
        byte[] bytes = all.asSlice(advance(length), length).toArray(ValueLayout.JAVA_BYTE);
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') >= 0) checkUtf8(what, bytes);
        return text;
    }

    private void checkUtf8(String what, byte[] bytes) {
        try {
            var _ = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
        } catch (CharacterCodingException e) {
            throw new UserError(damaged(what + " is not UTF-8 text").getMessage(), e);
        }
    }
}
