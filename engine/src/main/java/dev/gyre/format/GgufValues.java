package dev.gyre.format;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * Reads GGUF's metadata. Numbers of things are compared with what is left of the file before memory
 * is taken.
 */
final class GgufValues {
    static final int MAX_KEY_BYTES = 65535;
    private static final int MAX_NESTING = 4;

    static final int U8 = 0;
    static final int I8 = 1;
    static final int U16 = 2;
    static final int I16 = 3;
    static final int U32 = 4;
    static final int I32 = 5;
    static final int F32 = 6;
    static final int BOOL = 7;
    static final int TEXT = 8;
    static final int ARRAY = 9;
    static final int U64 = 10;
    static final int I64 = 11;
    static final int F64 = 12;

    private final GgufCursor in;
    private long elements;

    GgufValues(GgufCursor in) {
        this.in = in;
    }

    GgufMetadata read(Path file, long count) {
        var values = new LinkedHashMap<String, Object>();
        var encoded = new HashMap<String, MemorySegment>();
        for (long i = 0; i < count; i++) {
            String key = in.text("a metadata key", MAX_KEY_BYTES);
            long from = in.at();
            Object value = value(key, type(key), 0);
            if (values.put(key, value) != null)
                throw in.damaged("the metadata key \"" + key + "\" is there twice");
            encoded.put(key, in.since(from));
        }
        return new GgufMetadata(file, values, encoded);
    }

    private int type(String key) {
        long type = in.u32();
        if (type > F64)
            throw in.damaged("the metadata key \"" + key + "\" has the unknown type " + type);
        return (int) type;
    }

    private Object value(String key, int type, int depth) {
        return switch (type) {
            case F32, F64 -> real(type);
            case BOOL -> bool(key);
            case TEXT -> in.text("the value of \"" + key + "\"", GgufCursor.MAX_TEXT_BYTES);
            case ARRAY -> array(key, depth);
            case U64 -> {
                long bits = in.i64();
                yield bits >= 0 ? (Object) bits : new BigInteger(Long.toUnsignedString(bits));
            }
            default -> whole(type);
        };
    }

    private long whole(int type) {
        return switch (type) {
            case U8 -> in.i8() & 0xFF;
            case I8 -> in.i8();
            case U16 -> in.i16() & 0xFFFF;
            case I16 -> in.i16();
            case U32 -> in.u32();
            case I32 -> in.i32();
            case I64, U64 -> in.i64();
            default -> throw new AssertionError(type);
        };
    }

    private double real(int type) {
        return type == F32 ? Float.intBitsToFloat(in.i32()) : Double.longBitsToDouble(in.i64());
    }

    private boolean bool(String key) {
        int value = in.i8();
        if (value != 0 && value != 1)
            throw in.damaged("the truth value \"" + key + "\" is " + value);
        return value == 1;
    }

    private Object array(String key, int depth) {
        if (depth == MAX_NESTING)
            throw in.damaged("the lists in \"" + key + "\" are nested too deep");
        int type = type(key);
        int count = (int) arrayCount(key, type);
        return switch (type) {
            case F32, F64 -> {
                double[] out = new double[count];
                for (int i = 0; i < count; i++) out[i] = real(type);
                yield out;
            }
            case BOOL -> {
                boolean[] out = new boolean[count];
                for (int i = 0; i < count; i++) out[i] = bool(key);
                yield out;
            }
            case TEXT, ARRAY -> {
                var out = new ArrayList<Object>(count);
                for (int i = 0; i < count; i++) out.add(value(key, type, depth + 1));
                yield List.copyOf(out);
            }
            default -> {
                long[] out = new long[count];
                for (int i = 0; i < count; i++) {
                    out[i] = whole(type);
                    if (type == U64 && out[i] < 0)
                        throw in.damaged("a number in \"" + key + "\" is above 2^63-1");
                }
                yield out;
            }
        };
    }

    private long arrayCount(String key, int type) {
        int eachBytes =
                switch (type) {
                    case U8, I8, BOOL -> 1;
                    case U16, I16 -> 2;
                    case U32, I32, F32 -> 4;
                    case ARRAY -> 12;
                    default -> 8;
                };
        long count = in.count("elements of \"" + key + "\"", eachBytes);
        elements += count;
        if (elements > GgufCursor.MAX_COUNT)
            throw in.damaged("the lists in its metadata are too long, as of \"" + key + "\"");
        return count;
    }
}
