package dev.gyre.format;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The types of GGUF's metadata values. */
public enum GgufType {
    U8(GgufValues.U8, 1, false),
    I8(GgufValues.I8, 1, true),
    U16(GgufValues.U16, 2, false),
    I16(GgufValues.I16, 2, true),
    U32(GgufValues.U32, 4, false),
    I32(GgufValues.I32, 4, true),
    F32(GgufValues.F32, 4, true),
    BOOL(GgufValues.BOOL, 1, false),
    TEXT(GgufValues.TEXT, 8, false),
    ARRAY(GgufValues.ARRAY, 12, false),
    U64(GgufValues.U64, 8, false),
    I64(GgufValues.I64, 8, true),
    F64(GgufValues.F64, 8, true);

    private final int id;
    private final int bytes;
    private final boolean signed;

    GgufType(int id, int bytes, boolean signed) {
        this.id = id;
        this.bytes = bytes;
        this.signed = signed;
    }

    /** Its number in files. */
    int id() {
        return id;
    }

    /**
     * Appends a value of this type.
     *
     * @param value a number, a truth value or a text
     * @throws IllegalArgumentException when it is of another kind or out of range
     */
    void append(ByteArrayOutputStream out, Object value) {
        switch (this) {
            case TEXT -> text(out, (String) value);
            case BOOL -> out.write((Boolean) value ? 1 : 0);
            case F32 -> fixed(out, 4, Float.floatToRawIntBits(((Number) value).floatValue()));
            case F64 -> fixed(out, 8, Double.doubleToRawLongBits(((Number) value).doubleValue()));
            case ARRAY -> throw new IllegalArgumentException("a list has the type of its elements");
            default -> whole(out, value);
        }
    }

    private void whole(ByteArrayOutputStream out, Object value) {
        var number = new BigInteger(value.toString());
        int bits = 8 * bytes - (signed ? 1 : 0);
        if (number.bitLength() > bits || !signed && number.signum() < 0)
            throw new IllegalArgumentException(value + " does not fit " + this);
        fixed(out, bytes, number.longValue());
    }

    /** Appends element type, count and elements; a list within becomes one of the same kind. */
    void appendList(ByteArrayOutputStream out, List<?> values) {
        boolean nested = !values.isEmpty() && values.getFirst() instanceof List;
        fixed(out, 4, nested ? ARRAY.id : id);
        fixed(out, 8, values.size());
        for (Object value : values)
            if (nested) appendList(out, (List<?>) value);
            else append(out, value);
    }

    /** Length, then UTF-8. */
    static void text(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        fixed(out, 8, bytes.length);
        out.writeBytes(bytes);
    }

    /** The lowest so many bytes, little endian. */
    static void fixed(ByteArrayOutputStream out, int bytes, long value) {
        var all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
        out.write(all.array(), 0, bytes);
    }
}
