package dev.gyre.hub;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/** Writes zip archives byte by byte, so that they can lie. Entries are stored, not deflated. */
final class ZipMaker {
    private final ByteArrayOutputStream files = new ByteArrayOutputStream();
    private final ByteArrayOutputStream index = new ByteArrayOutputStream();
    private int entries;

    ZipMaker file(String name, byte[] content) {
        return entry(name, content, content.length, 0x81A4);
    }

    /** An entry with a mode and a declared unpacked size of one's choice. */
    ZipMaker entry(String name, byte[] content, long declared, int mode) {
        var crc = new CRC32();
        crc.update(content);
        byte[] path = name.getBytes(StandardCharsets.UTF_8);
        int offset = files.size();
        var common = ByteBuffer.allocate(26).order(ByteOrder.LITTLE_ENDIAN);
        common.putShort((short) 20).putShort((short) 0x800).putShort((short) 0).putInt(0x21);
        common.putInt((int) crc.getValue()).putInt(content.length).putInt((int) declared);
        common.putShort((short) path.length).putShort((short) 0);
        files.writeBytes(little(4).putInt(0x04034b50).array());
        files.writeBytes(common.array());
        files.writeBytes(path);
        files.writeBytes(content);
        index.writeBytes(little(6).putInt(0x02014b50).putShort((short) 0x314).array());
        index.writeBytes(common.array());
        index.writeBytes(
                little(14).putInt(0).putShort((short) 0).putInt(mode << 16).putInt(offset).array());
        index.writeBytes(path);
        entries++;
        return this;
    }

    byte[] bytes() {
        var out = new ByteArrayOutputStream();
        out.writeBytes(files.toByteArray());
        out.writeBytes(index.toByteArray());
        out.writeBytes(
                little(22)
                        .putInt(0x06054b50)
                        .putInt(0)
                        .putShort((short) entries)
                        .putShort((short) entries)
                        .putInt(index.size())
                        .putInt(files.size())
                        .putShort((short) 0)
                        .array());
        return out.toByteArray();
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
