package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipException;

/**
 * The list of files at the end of a zip archive, with the kind of each: the JDK's own reader does
 * not tell a link from a file. Layout after PKWARE's APPNOTE 4.3.12 (entries), 4.3.14 and 4.3.16
 * (their end).
 */
final class ZipIndex {
    private static final int END = 0x06054b50;
    private static final int END_64 = 0x06064b50;
    private static final int LOCATOR_64 = 0x07064b50;
    private static final int ENTRY = 0x02014b50;
    private static final int END_BYTES = 22;
    private static final int LOCATOR_BYTES = 20;
    private static final int ENTRY_BYTES = 46;
    private static final int UNIX_KIND = 0xF000;
    private static final int UNIX_FILE = 0x8000;
    private static final int UNIX_FOLDER = 0x4000;
    private static final long MOST_INDEX_BYTES = 64L << 20;

    private ZipIndex() {}

    /**
     * One entry.
     *
     * @param name its path, unchecked
     * @param bytes its declared size unpacked
     * @param mode its Unix mode; 0 where the archive was made elsewhere
     */
    record Entry(String name, long bytes, int mode) {
        /** True for a file or a folder; false for links, devices and pipes. */
        boolean isPlain() {
            int kind = mode & UNIX_KIND;
            return kind == 0 || kind == UNIX_FILE || kind == UNIX_FOLDER;
        }
    }

    /**
     * Reads the list.
     *
     * @throws UserError when the archive is damaged
     */
    static List<Entry> read(Path file) throws IOException {
        try (var channel = FileChannel.open(file)) {
            ByteBuffer index = index(channel);
            var entries = new ArrayList<Entry>();
            while (index.remaining() >= ENTRY_BYTES && index.getInt(index.position()) == ENTRY)
                entries.add(entry(index));
            if (index.hasRemaining()) throw new ZipException("its list of files is cut off");
            return entries;
        }
    }

    private static ByteBuffer index(FileChannel channel) throws IOException {
        long size = channel.size();
        int tail = (int) Math.min(size, END_BYTES + 0xFFFF);
        ByteBuffer end = bytes(channel, size - tail, tail);
        int at = tail - END_BYTES;
        while (at >= 0
                && !(end.getInt(at) == END
                        && at + END_BYTES + (end.getShort(at + 20) & 0xFFFF) == tail)) at--;
        if (at < 0) throw new ZipException("it has no end");
        long length = end.getInt(at + 12) & 0xFFFFFFFFL;
        long start = end.getInt(at + 16) & 0xFFFFFFFFL;
        long locator = size - tail + at - LOCATOR_BYTES;
        if (locator >= 0 && (length == 0xFFFFFFFFL || start == 0xFFFFFFFFL)) {
            ByteBuffer where = bytes(channel, locator, LOCATOR_BYTES);
            if (where.getInt(0) != LOCATOR_64) throw new ZipException("its large end is missing");
            ByteBuffer large = bytes(channel, where.getLong(8), 56);
            if (large.getInt(0) != END_64) throw new ZipException("its large end is missing");
            length = large.getLong(40);
            start = large.getLong(48);
        }
        if (length < 0 || length > MOST_INDEX_BYTES)
            throw new ZipException("its list of files is too long");
        return bytes(channel, start, (int) length);
    }

    private static Entry entry(ByteBuffer index) throws IOException {
        int at = index.position();
        int nameBytes = index.getShort(at + 28) & 0xFFFF;
        int extraBytes = index.getShort(at + 30) & 0xFFFF;
        int commentBytes = index.getShort(at + 32) & 0xFFFF;
        long next = (long) at + ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
        if (next > index.limit()) throw new ZipException("its list of files is cut off");
        byte[] name = new byte[nameBytes];
        index.get(at + ENTRY_BYTES, name);
        long bytes = index.getInt(at + 24) & 0xFFFFFFFFL;
        if (bytes == 0xFFFFFFFFL)
            bytes = largeSize(index, at + ENTRY_BYTES + nameBytes, extraBytes);

        int mode = index.getInt(at + 38) >>> 16;
        index.position((int) next);
        // judged by its mode whatever system it claims to come from
        return new Entry(new String(name, StandardCharsets.UTF_8), bytes, mode);
    }

    /** The 64-bit size, first in the extra field of kind 1. */
    private static long largeSize(ByteBuffer index, int from, int length) throws IOException {
        for (int at = from; at + 4 <= from + length; at += 4 + (index.getShort(at + 2) & 0xFFFF))
            if (index.getShort(at) == 1 && at + 12 <= from + length) {
                long bytes = index.getLong(at + 4);
                if (bytes < 0) throw new ZipException("a file's size is below zero");
                return bytes;
            }
        return 0xFFFFFFFFL;
    }

    private static ByteBuffer bytes(FileChannel channel, long from, int length) throws IOException {
        if (from < 0 || from + length > channel.size())
            throw new ZipException("an offset lies outside of it");
        var out = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (out.hasRemaining())
            if (channel.read(out, from + out.position()) < 0)
                throw new EOFException("it is cut off");
        return out.flip().order(ByteOrder.LITTLE_ENDIAN);
    }
}
