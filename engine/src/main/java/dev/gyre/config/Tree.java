package dev.gyre.config;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A value read from YAML or JSON that remembers where it stood, so that whoever finds it wrong can
 * say the line. The value is a map of trees, a list of trees, a {@code String}, a {@code Long}, a
 * {@code Double}, a {@code Boolean} or nothing.
 *
 * @param value the value; null for an explicit null
 * @param source the file's name, or what stands for it
 * @param line line in the source, from 1; 0 when there are no lines
 * @param path dotted path from the root, empty at the root
 */
public record Tree(@Nullable Object value, String source, int line, String path) {

    /** A tree of plain maps, lists, text, numbers and truth values that stand in no file. */
    public static Tree of(@Nullable Object plain, String source, String path) {
        Object value =
                switch (plain) {
                    case null -> null;
                    case Map<?, ?> map -> {
                        var out = new LinkedHashMap<String, Tree>();
                        map.forEach(
                                (k, v) ->
                                        out.put(
                                                String.valueOf(k),
                                                of(
                                                        v,
                                                        source,
                                                        path.isEmpty()
                                                                ? k.toString()
                                                                : path + "." + k)));
                        yield out;
                    }
                    case List<?> list -> {
                        var out = new ArrayList<Tree>();
                        for (Object item : list)
                            out.add(of(item, source, path + "[" + out.size() + "]"));
                        yield out;
                    }
                    case Integer n -> n.longValue();
                    case Float n -> n.doubleValue();
                    case Long n -> n;
                    case Double n -> n;
                    case Boolean b -> b;
                    default -> plain.toString();
                };
        return new Tree(value, source, 0, path);
    }

    /** The place as {@code file:line}. */
    public String where() {
        return line > 0 ? source + ":" + line : source;
    }

    public boolean isNull() {
        return value == null;
    }

    public boolean isMap() {
        return value instanceof Map;
    }

    public boolean isList() {
        return value instanceof List;
    }

    public boolean isText() {
        return value instanceof String;
    }

    /** An error about this value: where, what was wanted, what stands there. */
    public UserError wrong(String wanted) {
        return saying("must be %s, not %s".formatted(wanted, shown()));
    }

    /**
     * An error whose sentence begins with this value's name. What stands in no file is named by its
     * source alone.
     */
    public UserError saying(String complaint) {
        if (path.isEmpty() && line == 0) return new UserError(source + " " + complaint);
        String name = path.isEmpty() ? "the document" : "\"" + path + "\"";
        return new UserError("%s: %s %s".formatted(where(), name, complaint));
    }

    private String shown() {
        return switch (value) {
            case null -> "empty";
            case Map<?, ?> m -> "a map";
            case List<?> l -> "a list";
            case String s -> "\"" + (s.length() > 60 ? s.substring(0, 57) + "..." : s) + "\"";
            default -> value.toString();
        };
    }

    @SuppressWarnings("unchecked") // only Json and Yaml make trees, and they put trees into maps
    public Map<String, Tree> entries() {
        if (value instanceof Map<?, ?> map) return (Map<String, Tree>) map;
        throw wrong("a map");
    }

    @SuppressWarnings("unchecked") // as above
    public List<Tree> items() {
        if (value instanceof List<?> list) return (List<Tree>) list;
        throw wrong("a list");
    }

    public String text() {
        if (value instanceof String s) return s;
        throw wrong("text");
    }

    /** A whole number; a float with a whole value counts. */
    public long whole() {
        if (value instanceof Long l) return l;
        if (value instanceof Double d && d == Math.rint(d) && Math.abs(d) < 0x1p53)
            return (long) (double) d;
        throw wrong("a whole number");
    }

    public int wholeInt() {
        long whole = whole();
        if (whole != (int) whole) throw wrong("a whole number below 2147483648");
        return (int) whole;
    }

    public double real() {
        if (value instanceof Long l) return l;
        if (value instanceof Double d) return d;
        throw wrong("a number");
    }

    public boolean bool() {
        if (value instanceof Boolean b) return b;
        throw wrong("true or false");
    }

    /** The value under a key; empty when the key is absent or its value is null. */
    public Optional<Tree> get(String key) {
        Tree child = entries().get(key);
        return child == null || child.isNull() ? Optional.empty() : Optional.of(child);
    }

    /** The value under a key; an error that names the key when it is absent. */
    public Tree need(String key) {
        return get(key).orElseThrow(
                        () ->
                                new UserError(
                                        "%s: the key \"%s\" is missing%s"
                                                .formatted(
                                                        where(),
                                                        key,
                                                        path.isEmpty()
                                                                ? ""
                                                                : " under \"" + path + "\"")));
    }

    public String textOr(String key, String otherwise) {
        return get(key).map(Tree::text).orElse(otherwise);
    }

    public long wholeOr(String key, long otherwise) {
        return get(key).map(Tree::whole).orElse(otherwise);
    }

    public double realOr(String key, double otherwise) {
        return get(key).map(Tree::real).orElse(otherwise);
    }

    public boolean boolOr(String key, boolean otherwise) {
        return get(key).map(Tree::bool).orElse(otherwise);
    }

    /** The same value as plain maps, lists, strings, longs, doubles, booleans and nulls. */
    public @Nullable Object plain() {
        return switch (value) {
            case null -> null;
            case Map<?, ?> map -> {
                var out = new LinkedHashMap<String, @Nullable Object>();
                entries().forEach((k, v) -> out.put(k, v.plain()));
                yield out;
            }
            case List<?> list -> {
                var out = new ArrayList<@Nullable Object>();
                items().forEach(v -> out.add(v.plain()));
                yield out;
            }
            default -> value;
        };
    }
}
