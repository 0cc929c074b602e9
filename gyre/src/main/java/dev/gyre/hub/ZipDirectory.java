package dev.gyre.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.zip.ZipException;

/**
 * Where a zip file's central directory lies: its end record is the last thing in the file but for a
 * comment; a large file's (zip64) is found through a locator before it.
 */
record ZipDirectory(long at, int bytes) {
    private static final int END = 0x06054b50;
    private static final int END_BYTES = 22;
    private static final int LOCATOR64 = 0x07064b50;
    private static final int LOCATOR64_BYTES = 20;
    private static final int END64 = 0x06064b50;
    private static final int END64_BYTES = 56;
    private static final int MAX_BYTES = 1 << 26;

    static ZipDirectory find(FileChannel channel) throws IOException {
        long size = channel.size();
        int tailBytes = (int) Math.min(size, END_BYTES + 65535);
        var tail = read(channel, size - tailBytes, tailBytes);
        for (int at = tailBytes - END_BYTES; at >= 0; at--) {
            if (tail.getInt(at) != END
                    || at + END_BYTES + Short.toUnsignedInt(tail.getShort(at + 20)) != tailBytes)
                continue;
            long bytes = Integer.toUnsignedLong(tail.getInt(at + 12));
            long from = Integer.toUnsignedLong(tail.getInt(at + 16));
            if (at >= LOCATOR64_BYTES && tail.getInt(at - LOCATOR64_BYTES) == LOCATOR64) {
                var end64 = read(channel, tail.getLong(at - LOCATOR64_BYTES + 8), END64_BYTES);
                if (end64.getInt(0) != END64) throw new ZipException("its directory is damaged");
                bytes = end64.getLong(40);
                from = end64.getLong(48);
            }
            if (bytes < 0 || bytes > MAX_BYTES || from < 0 || from > size - bytes)
                throw new ZipException("its directory is damaged");
            return new ZipDirectory(from, (int) bytes);
        }
        throw new ZipException("it has no directory");
    }

    private static ByteBuffer read(FileChannel channel, long at, int bytes) throws IOException {
        var buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (at < 0 || at > channel.size() - bytes)
            throw new ZipException("its directory is damaged");
        while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) >= 0) {}
        return buffer;
    }
}
