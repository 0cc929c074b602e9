package dev.gyre.text.jinja;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What a template works with, each as a Java value: {@code String}, {@code Long}, {@code Double},
 * {@code Boolean}, {@link #NONE}, {@link Undefined}, {@code List}, {@link Tuple}, {@code Map},
 * {@link Namespace}, {@link Loop}, {@link Function}. Operators and conversions are Python's.
 */
final class Values {
    /** Python's None. */
    static final Object NONE =
            new Object() {
                @Override
                public String toString() {
                    return "None";
                }
            };

    /**
     * A name or member that is not there: prints as nothing, is false, and may not be used further.
     */
    record Undefined(String name) {}

    /** Several values that print in parentheses. */
    record Tuple(List<Object> items) {}

    /** What {@code namespace()} makes: its attributes can be set. */
    record Namespace(Map<String, Object> attributes) {}

    /** What can be called. */
    @FunctionalInterface
    interface Function {
        Object call(Arguments arguments);
    }

    private Values() {}

    /** A Java value as a template's; maps and lists are copied. */
    static Object of(@Nullable Object java) {
        return switch (java) {
            case null -> NONE;
            case Integer i -> (long) i;
            case Float f -> (double) f;
            case Map<?, ?> map -> {
                var out = new LinkedHashMap<Object, Object>();
                map.forEach((k, v) -> out.put(of(k), of(v)));
                yield out;
            }
            case List<?> list -> {
                var out = new ArrayList<Object>();
                list.forEach(v -> out.add(of(v)));
                yield out;
            }
            default -> java;
        };
    }

    static boolean truth(Object v) {
        return switch (v) {
            case Boolean b -> b;
            case Undefined u -> false;
            case String s -> !s.isEmpty();
            case Long l -> l != 0;
            case Double d -> d != 0;
            case List<?> l -> !l.isEmpty();
            case Tuple t -> !t.items.isEmpty();
            case Map<?, ?> m -> !m.isEmpty();
            default -> v != NONE;
        };
    }

    /** As {@code str()} gives it. */
    static String text(Object v) {
        if (v instanceof String s) return s;
        if (v instanceof Undefined) return "";
        return Repr.of(v);
    }

    static String typeName(Object v) {
        return switch (v) {
            case String s -> "str";
            case Boolean b -> "bool";
            case Long l -> "int";
            case Double d -> "float";
            case List<?> l -> "list";
            case Tuple t -> "tuple";
            case Map<?, ?> m -> "dict";
            case Undefined u -> "undefined";
            case Namespace n -> "namespace";
            case Loop l -> "loop";
            case Function f -> "function";
            default -> "None";
        };
    }

    static boolean equal(Object a, Object b) {
        if (Numbers.isNumber(a) && Numbers.isNumber(b)) return Numbers.compare(a, b) == 0;
        if (a instanceof Undefined && b instanceof Undefined) return true;
        if (a instanceof List<?> x && b instanceof List<?> y) return equalItems(x, y);
        if (a instanceof Tuple(var x) && b instanceof Tuple(var y)) return equalItems(x, y);
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return x.size() == y.size()
                    && x.entrySet().stream()
                            .allMatch(
                                    e -> {
                                        Object other = y.get(e.getKey());
                                        return other != null
                                                && equal(
                                                        Objects.requireNonNull(e.getValue()),
                                                        other);
                                    });
        }
        return a.equals(b);
    }

    private static boolean equalItems(List<?> a, List<?> b) {
        if (a.size() != b.size()) return false;
        for (int i = 0; i < a.size(); i++) if (!equal(a.get(i), b.get(i))) return false;
        return true;
    }

    static int compare(Object a, Object b) {
        if (Numbers.isNumber(a) && Numbers.isNumber(b)) return Numbers.compare(a, b);
        if (a instanceof String x && b instanceof String y) return comparePoints(x, y);
        List<Object> x =
                a instanceof Tuple(var items)
                        ? items
                        : a instanceof List<?> list ? iterate(list) : null;
        List<Object> y =
                b instanceof Tuple(var items)
                        ? items
                        : b instanceof List<?> list ? iterate(list) : null;
        if (x == null || y == null)
            throw new TemplateError(
                    "'<' not supported between '" + typeName(a) + "' and '" + typeName(b) + "'");
        for (int i = 0; i < Math.min(x.size(), y.size()); i++)
            if (!equal(x.get(i), y.get(i))) return compare(x.get(i), y.get(i));
        return Integer.compare(x.size(), y.size());
    }

    /** By code points, as Python orders texts; Java orders by UTF-16 units. */
    private static int comparePoints(String a, String b) {
        Iterator<Integer> x = a.codePoints().iterator();
        Iterator<Integer> y = b.codePoints().iterator();
        while (x.hasNext() && y.hasNext()) {
            int order = Integer.compare(x.next(), y.next());
            if (order != 0) return order;
        }
        return x.hasNext() ? 1 : y.hasNext() ? -1 : 0;
    }

    static boolean contains(Object whole, Object part) {
        return switch (whole) {
            case String s -> {
                if (part instanceof String p) yield s.contains(p);
                throw new TemplateError(
                        "'in <string>' requires string as left operand, not " + typeName(part));
            }
            case Map<?, ?> m -> m.containsKey(key(part));
            default -> iterate(whole).stream().anyMatch(v -> equal(v, part));
        };
    }

    /** A whole float or a boolean is the same key as the number it equals. */
    static Object key(Object k) {
        if (k instanceof List<?> || k instanceof Map<?, ?>)
            throw new TemplateError("unhashable type: '" + typeName(k) + "'");
        if (k instanceof Double d && d == Math.rint(d) && Math.abs(d) < 0x1p62)
            return (long) (double) d;
        return k;
    }

    /** The items of what can be gone through: characters of a text, keys of a map. */
    static List<Object> iterate(Object v) {
        return switch (v) {
            case List<?> list -> {
                @SuppressWarnings("unchecked") // a template's lists hold a template's values
                var items = (List<Object>) list;
                yield items;
            }
            case Tuple(var items) -> items;
            case Map<?, ?> map -> new ArrayList<Object>(map.keySet());
            case String s -> List.of((Object[]) Strings.characters(s));
            case Undefined u -> List.of();
            default -> throw new TemplateError("'" + typeName(v) + "' object is not iterable");
        };
    }

    static long length(Object v) {
        return switch (v) {
            case String s -> Strings.length(s);
            case List<?> l -> l.size();
            case Tuple(var items) -> items.size();
            case Map<?, ?> m -> m.size();
            case Undefined u -> 0;
            default ->
                    throw new TemplateError("object of type '" + typeName(v) + "' has no length");
        };
    }
}
