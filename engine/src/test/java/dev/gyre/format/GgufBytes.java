package dev.gyre.format;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes GGUF fields one after another, right or wrong. */
final class GgufBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** The beginning of a file of version 3. */
    static GgufBytes begin(long tensors, long keys) {
        return new GgufBytes().i32(0x46554747).i32(3).i64(tensors).i64(keys);
    }

    GgufBytes i32(int value) {
        return raw(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
    }

    GgufBytes i64(long value) {
        return raw(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }

    GgufBytes raw(byte... bytes) {
        out.writeBytes(bytes);
        return this;
    }

    GgufBytes text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return i64(bytes.length).raw(bytes);
    }

    /** A key and its value's type. */
    GgufBytes key(String key, int type) {
        return text(key).i32(type);
    }

    /** A tensor's description; sizes as the file has them, fastest first. */
    GgufBytes tensor(String name, int type, long offset, long... sizes) {
        text(name).i32(sizes.length);
        for (long size : sizes) i64(size);
        return i32(type).i64(offset);
    }

    /** Zeros up to a multiple of 32, then so many more. */
    GgufBytes data(int bytes) {
        return raw(new byte[(32 - out.size() % 32) % 32 + bytes]);
    }

    byte[] bytes() {
        return out.toByteArray();
    }
}
