package dev.gyre.format;

import dev.gyre.config.NearMiss;
import dev.gyre.config.UserError;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The typed keys and values of a GGUF file. A value is a {@code Long} (a {@code BigInteger} above
 * 2^63-1), a {@code Double}, a {@code Boolean}, a {@code String}, or an array: {@code long[]},
 * {@code double[]}, {@code boolean[]}, or a {@code List} of strings or of arrays. Every accessor
 * throws a {@link UserError} that names file and key when the value is missing or of another kind;
 * those ending in {@code Or} take a missing one.
 */
public final class GgufMetadata {
    private final Path file;
    private final Map<String, Object> values;
    private final Map<String, MemorySegment> encoded;

    /**
     * @param encoded type and value of each key as they lie in the file
     */
    GgufMetadata(Path file, Map<String, Object> values, Map<String, MemorySegment> encoded) {
        this.file = file;
        this.values = Collections.unmodifiableMap(values);
        this.encoded = encoded;
    }

    /** A key's type and value as they lie in the file. */
    MemorySegment encoded(String key) {
        MemorySegment found = encoded.get(key);
        if (found == null) throw missing(key);
        return found;
    }

    /** All keys, in the file's order. */
    public Set<String> keys() {
        return values.keySet();
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    private UserError missing(String key) {
        return new UserError(
                "%s has no metadata key \"%s\"%s"
                        .formatted(
                                file,
                                key,
                                NearMiss.of(key, values.keySet())
                                        .map(k -> "; did you mean \"" + k + "\"?")
                                        .orElse("")));
    }

    /** A value as it was read, see above. */
    public Object value(String key) {
        Object value = values.get(key);
        if (value == null) throw missing(key);
        return value;
    }

    public String text(String key) {
        return as(key, String.class, "text");
    }

    public String textOr(String key, String otherwise) {
        return has(key) ? text(key) : otherwise;
    }

    public long whole(String key) {
        return as(key, Long.class, "a whole number");
    }

    public long wholeOr(String key, long otherwise) {
        return has(key) ? whole(key) : otherwise;
    }

    /** A whole number from 0 that fits an {@code int}, as sizes and token ids are. */
    public int size(String key) {
        long whole = whole(key);
        if (whole < 0 || whole > Integer.MAX_VALUE)
            throw wrong(key, "a whole number from 0 below 2147483648");
        return (int) whole;
    }

    public int sizeOr(String key, int otherwise) {
        return has(key) ? size(key) : otherwise;
    }

    /** A number; a whole one counts. */
    public double real(String key) {
        Object value = value(key);
        if (value instanceof Double || value instanceof Long || value instanceof BigInteger)
            return ((Number) value).doubleValue();
        throw wrong(key, "a number");
    }

    public double realOr(String key, double otherwise) {
        return has(key) ? real(key) : otherwise;
    }

    public boolean bool(String key) {
        return as(key, Boolean.class, "true or false");
    }

    public boolean boolOr(String key, boolean otherwise) {
        return has(key) ? bool(key) : otherwise;
    }

    /** A list of texts, as vocabularies and merges are. */
    @SuppressWarnings("unchecked") // the reader makes lists of one kind
    public List<String> texts(String key) {
        List<?> list = as(key, List.class, "a list of texts");
        if (!list.isEmpty() && !(list.getFirst() instanceof String))
            throw wrong(key, "a list of texts");
        return (List<String>) list;
    }

    /** A list of whole numbers; a copy. */
    public long[] wholes(String key) {
        return as(key, long[].class, "a list of whole numbers").clone();
    }

    /** A list of numbers; a copy. */
    public double[] reals(String key) {
        Object value = value(key);
        if (value instanceof long[] wholes) return Arrays.stream(wholes).asDoubleStream().toArray();
        return as(key, double[].class, "a list of numbers").clone();
    }

    private <T> T as(String key, Class<T> type, String wanted) {
        Object value = value(key);
        if (!type.isInstance(value)) throw wrong(key, wanted);
        return type.cast(value);
    }

    private UserError wrong(String key, String wanted) {
        Object value = value(key);
        String shown =
                switch (value) {
                    case String s ->
                            "\"" + (s.length() > 60 ? s.substring(0, 57) + "..." : s) + "\"";
                    case long[] a -> "a list of " + a.length + " whole numbers";
                    case double[] a -> "a list of " + a.length + " numbers";
                    case boolean[] a -> "a list of " + a.length + " truth values";
                    case List<?> l -> "a list of " + l.size();
                    default -> value.toString();
                };
        return new UserError(
                "%s: the metadata key \"%s\" must be %s, not %s"
                        .formatted(file, key, wanted, shown));
    }
}
