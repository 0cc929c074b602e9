package dev.gyre.adapter;

import dev.gyre.config.NearMiss;
import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The settings given for a method, taken one by one with their ranges; {@link #finish} complains
 * about what is left over.
 */
public final class Settings {
    private final String method;
    private final Map<String, @Nullable Object> given;
    private final TreeSet<String> known = new TreeSet<>();

    /**
     * Settings by name: whole numbers as {@code Long} or {@code Integer}, others as {@code Double},
     * {@code Boolean}, {@code String}, {@code List} or {@code Map}.
     */
    public Settings(String method, Map<String, ? extends @Nullable Object> given) {
        this.method = method;
        this.given = new LinkedHashMap<>(given);
    }

    public boolean has(String key) {
        known.add(key);
        return given.get(key) != null;
    }

    private <T> T take(String key, T otherwise, Class<T> type, String wanted, Predicate<T> fits) {
        known.add(key);
        Object value = given.get(key);
        if (value == null) return otherwise;
        if (type == Double.class && value instanceof Number n) value = n.doubleValue();
        if (type == Long.class && value instanceof Integer n) value = n.longValue();
        if (!type.isInstance(value) || !fits.test(type.cast(value)))
            throw new UserError(
                    "method %s: %s must be %s, not %s".formatted(method, key, wanted, value));
        return type.cast(value);
    }

    public int whole(String key, int otherwise, int least) {
        return (int)
                (long)
                        take(
                                key,
                                (long) otherwise,
                                Long.class,
                                "a whole number from " + least,
                                v -> v >= least && v <= Integer.MAX_VALUE);
    }

    /** A number above {@code low} (or equal, where inclusive) and below {@code high}. */
    public double real(String key, double otherwise, double low, boolean inclusive, double high) {
        String range =
                (inclusive ? low + " or more" : "above " + low)
                        + (high == Double.POSITIVE_INFINITY ? "" : " and below " + high);
        return take(
                key,
                otherwise,
                Double.class,
                "a number " + range,
                v -> Double.isFinite(v) && (inclusive ? v >= low : v > low) && v < high);
    }

    public boolean flag(String key, boolean otherwise) {
        return take(key, otherwise, Boolean.class, "true or false", v -> true);
    }

    public String oneOf(String key, String otherwise, List<String> words) {
        return take(
                key,
                otherwise,
                String.class,
                "one of " + String.join(", ", words),
                words::contains);
    }

    /** One word, or a list of them. */
    public List<String> words(String key, List<String> otherwise) {
        known.add(key);
        Object value = given.get(key);
        if (value == null) return otherwise;
        if (value instanceof String s && !s.isBlank()) return List.of(s);
        if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance))
            return list.stream().map(String.class::cast).toList();
        throw new UserError(
                "method %s: %s must be a word or a list of words, not %s"
                        .formatted(method, key, value));
    }

    /** A map from patterns to numbers above 0. */
    public Map<String, Double> numbers(String key) {
        known.add(key);
        Object value = given.get(key);
        if (value == null) return Map.of();
        var out = new LinkedHashMap<String, Double>();
        if (value instanceof Map<?, ?> map) {
            map.forEach(
                    (k, v) -> {
                        if (!(v instanceof Number n) || n.doubleValue() <= 0)
                            throw new UserError(
                                    "method %s: %s.%s must be a number above 0, not %s"
                                            .formatted(method, key, k, v));
                        out.put(String.valueOf(k), n.doubleValue());
                    });
            return out;
        }
        throw new UserError(
                "method %s: %s must be a map from module names to numbers, not %s"
                        .formatted(method, key, value));
    }

    /** An error when a setting was given that nobody took. */
    public void finish() {
        var unknown = new ArrayList<>(given.keySet());
        unknown.removeAll(known);
        if (unknown.isEmpty()) return;
        String first = unknown.getFirst();
        throw new UserError(
                "method %s has no setting \"%s\"%s"
                        .formatted(method, first, NearMiss.hint(first, known)));
    }
}
