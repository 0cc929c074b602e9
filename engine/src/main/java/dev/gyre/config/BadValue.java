package dev.gyre.config;

import org.jspecify.annotations.Nullable;

/**
 * A setting whose value is out of range. A record's constructor throws it and knows the key alone;
 * {@link Bind} adds the file and line, or the flag.
 */
public final class BadValue extends UserError {
    private static final long serialVersionUID = 1L;

    private final String key;
    private final String complaint;

    private BadValue(String key, String complaint) {
        super("\"" + key + "\" " + complaint);
        this.key = key;
        this.complaint = complaint;
    }

    /** The value of {@code key} is not what was wanted: "must be …, not …". */
    public static BadValue of(String key, @Nullable Object value, String wanted) {
        return new BadValue(key, "must be " + wanted + ", not " + value);
    }

    /** Any other complaint about a key, as the rest of a sentence that begins with its name. */
    public static BadValue saying(String key, String complaint) {
        return new BadValue(key, complaint);
    }

    public String key() {
        return key;
    }

    /** The sentence without its subject. */
    public String complaint() {
        return complaint;
    }
}
