package dev.gyre.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes GGUF's fields one after another, right or wrong. */
final class GgufBytes {
    private final ByteBuffer out = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

    static GgufBytes header(int version, long tensors, long keys) {
        return new GgufBytes().i32(0x46554747).i32(version).i64(tensors).i64(keys);
    }

    GgufBytes i8(int value) {
        out.put((byte) value);
        return this;
    }

    GgufBytes i16(int value) {
        out.putShort((short) value);
        return this;
    }

    GgufBytes i32(int value) {
        out.putInt(value);
        return this;
    }

    GgufBytes i64(long value) {
        out.putLong(value);
        return this;
    }

    GgufBytes f32(float value) {
        out.putFloat(value);
        return this;
    }

    GgufBytes f64(double value) {
        out.putDouble(value);
        return this;
    }

    GgufBytes text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        i64(bytes.length);
        out.put(bytes);
        return this;
    }

    /** A metadata key and the number of its value's type; the value comes next. */
    GgufBytes key(String name, int type) {
        return text(name).i32(type);
    }

    GgufBytes tensor(String name, int type, long offset, long... sizes) {
        text(name).i32(sizes.length);
        for (long size : sizes) i64(size);
        return i32(type).i64(offset);
    }

    GgufBytes align(int alignment) {
        while (out.position() % alignment != 0) i8(0);
        return this;
    }

    GgufBytes zeros(int bytes) {
        out.put(new byte[bytes]);
        return this;
    }

    byte[] bytes() {
        byte[] bytes = new byte[out.position()];
        out.get(0, bytes);
        return bytes;
    }
}
