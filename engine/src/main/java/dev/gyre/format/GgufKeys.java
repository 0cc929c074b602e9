package dev.gyre.format;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Keys and values for the header of a GGUF file to be written, in order. */
public final class GgufKeys {
    /** Type and value, as they will lie in the file. */
    private final Map<String, byte[]> encoded = new LinkedHashMap<>();

    /** Every key of a file, in its order, bit for bit; the alignment as ggml reads it, a u32. */
    public static GgufKeys copyOf(GgufMetadata metadata) {
        var keys = new GgufKeys();
        for (String key : metadata.keys())
            if (key.equals(Gguf.ALIGNMENT_KEY)) keys.size(key, metadata.whole(key));
            else keys.copy(metadata, key);
        return keys;
    }

    /** Sets a key to what it is in a file. */
    public GgufKeys copy(GgufMetadata metadata, String key) {
        return put(key, metadata.encoded(key).toArray(ValueLayout.JAVA_BYTE));
    }

    /**
     * Sets a key; one that is there keeps its place.
     *
     * @param value a number, a truth value or a text
     * @throws IllegalArgumentException when it does not fit the type
     */
    public GgufKeys set(String key, GgufType type, Object value) {
        var out = new ByteArrayOutputStream();
        GgufType.fixed(out, 4, type.id());
        type.append(out, value);
        return put(key, out.toByteArray());
    }

    /**
     * Sets a key to a list, or a list of lists.
     *
     * @param type of the elements
     * @throws IllegalArgumentException when one does not fit the type
     */
    public GgufKeys list(String key, GgufType type, List<?> values) {
        var out = new ByteArrayOutputStream();
        GgufType.fixed(out, 4, GgufType.ARRAY.id());
        type.appendList(out, values);
        return put(key, out.toByteArray());
    }

    /** Sets a key to a text. */
    public GgufKeys text(String key, String value) {
        return set(key, GgufType.TEXT, value);
    }

    /** Sets a key to a whole number, as sizes and ids are. */
    public GgufKeys size(String key, long value) {
        return set(key, GgufType.U32, value);
    }

    /** Takes a key away, if it is there. */
    public GgufKeys remove(String key) {
        encoded.remove(key);
        return this;
    }

    public boolean has(String key) {
        return encoded.containsKey(key);
    }

    private GgufKeys put(String key, byte[] value) {
        if (key.equals(Gguf.ALIGNMENT_KEY) && value[0] != GgufType.U32.id())
            throw new IllegalArgumentException(key + " must be a u32");
        int length = key.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > GgufValues.MAX_KEY_BYTES)
            throw new IllegalArgumentException("a key of " + length + " bytes");
        encoded.put(key, value);
        return this;
    }

    int count() {
        return encoded.size();
    }

    /** The alignment that they ask for. */
    long alignment() {
        byte[] value = encoded.get(Gguf.ALIGNMENT_KEY);
        return value == null
                ? Gguf.DEFAULT_ALIGNMENT
                : ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getInt(4);
    }

    void append(ByteArrayOutputStream out) {
        encoded.forEach(
                (key, value) -> {
                    GgufType.text(out, key);
                    out.writeBytes(value);
                });
    }
}
