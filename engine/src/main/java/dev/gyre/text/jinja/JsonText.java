package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Tuple;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The filter {@code tojson} as transformers has it: Python's {@code json.dumps}, without HTML's
 * escapes.
 */
final class JsonText {
    private final StringBuilder out = new StringBuilder();
    private final boolean ascii;
    private final boolean sorts;
    private final Optional<String> indent;
    private final String between;
    private final String colon;

    private JsonText(Arguments a) {
        ascii = a.truth(0, "ensure_ascii");
        Object width = a.get(1, "indent").orElse(Values.NONE);
        indent =
                width == Values.NONE
                        ? Optional.empty()
                        : Optional.of(
                                width instanceof String s
                                        ? s
                                        : " ".repeat(Math.clamp(Numbers.index(width), 0, 1000)));
        Object separators = a.get(2, "separators").orElse(Values.NONE);
        List<Object> two =
                separators == Values.NONE
                        ? List.of(indent.isPresent() ? "," : ", ", ": ")
                        : Values.iterate(separators);
        if (two.size() != 2) throw new TemplateError("tojson: two separators are wanted");
        between = Values.text(two.get(0));
        colon = Values.text(two.get(1));
        sorts = a.truth(3, "sort_keys");
    }

    static Object filter(Object v, Arguments arguments) {
        var json = new JsonText(arguments);
        json.value(v, 0);
        return json.out.toString();
    }

    private void value(Object v, int depth) {
        if (depth > 200) throw new TemplateError("a value is nested too deeply to be written");
        Frame.fits(out.length());
        switch (v) {
            case String s -> quote(s);
            case Boolean b -> out.append(b);
            case Long l -> out.append(l);
            case Double d -> out.append(number(d));
            case List<?> list -> list(Values.iterate(list), depth);
            case Tuple(var items) -> list(items, depth);
            case Map<?, ?> map -> map(map, depth);
            default -> {
                if (v != Values.NONE)
                    throw new TemplateError(
                            "Object of type " + Values.typeName(v) + " is not JSON serializable");
                out.append("null");
            }
        }
    }

    private static String number(double d) {
        if (Double.isNaN(d)) return "NaN";
        return Double.isInfinite(d) ? (d > 0 ? "Infinity" : "-Infinity") : Numbers.text(d);
    }

    private void list(List<Object> items, int depth) {
        if (items.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        for (int i = 0; i < items.size(); i++) {
            if (i > 0) out.append(between);
            line(depth + 1);
            value(items.get(i), depth + 1);
        }
        line(depth);
        out.append(']');
    }

    private void map(Map<?, ?> map, int depth) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        out.append('{');
        String next = "";
        for (var e : (sorts ? new TreeMap<Object, Object>(map) : map).entrySet()) {
            out.append(next);
            line(depth + 1);
            quote(e.getKey() instanceof String s ? s : keyText(e.getKey()));
            out.append(colon);
            value(e.getValue(), depth + 1);
            next = between;
        }
        line(depth);
        out.append('}');
    }

    private static String keyText(Object key) {
        return switch (key) {
            case Boolean b -> b.toString();
            case Long l -> l.toString();
            case Double d -> number(d);
            default -> {
                if (key != Values.NONE)
                    throw new TemplateError("keys must be str, int, float, bool or None");
                yield "null";
            }
        };
    }

    private void line(int depth) {
        indent.ifPresent(blanks -> out.append('\n').repeat(blanks, depth));
    }

    private void quote(String s) {
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || (ascii && c > 0x7e)) out.append("\\u%04x".formatted((int) c));
                    else out.append(c);
                }
            }
        }
        out.append('"');
    }
}
