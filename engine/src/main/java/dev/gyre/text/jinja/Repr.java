package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Function;
import dev.gyre.text.jinja.Values.Namespace;
import dev.gyre.text.jinja.Values.Tuple;
import dev.gyre.text.jinja.Values.Undefined;

import java.util.List;
import java.util.Map;

/** Values as Python's {@code repr()} writes them. */
final class Repr {
    private Repr() {}

    static String of(Object v) {
        var out = new StringBuilder();
        write(v, out, 0);
        return out.toString();
    }

    private static void write(Object v, StringBuilder out, int depth) {
        if (depth > 200) throw new TemplateError("a value is nested too deeply to be written");
        Frame.fits(out.length());
        switch (v) {
            case String s -> quote(s, out);
            case Boolean b -> out.append(b ? "True" : "False");
            case Double d -> out.append(Numbers.text(d));
            case Undefined u -> out.append("Undefined");
            case Tuple(var items) -> {
                out.append('(');
                items(items, out, depth);
                out.append(items.size() == 1 ? ",)" : ")");
            }
            case List<?> list -> {
                out.append('[');
                items(list, out, depth);
                out.append(']');
            }
            case Map<?, ?> map -> {
                out.append('{');
                String between = "";
                for (var e : map.entrySet()) {
                    out.append(between);
                    write(e.getKey(), out, depth + 1);
                    out.append(": ");
                    write(e.getValue(), out, depth + 1);
                    between = ", ";
                }
                out.append('}');
            }
            case Namespace n -> out.append("<Namespace>");
            case Loop l -> out.append("<LoopContext>");
            case Function f -> out.append("<function>");
            default -> out.append(v);
        }
    }

    private static void items(List<?> items, StringBuilder out, int depth) {
        String between = "";
        for (Object item : items) {
            out.append(between);
            write(item, out, depth + 1);
            between = ", ";
        }
    }

    private static void quote(String s, StringBuilder out) {
        char quote = s.indexOf('\'') >= 0 && s.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        s.codePoints()
                .forEach(
                        c -> {
                            switch (c) {
                                case '\n' -> out.append("\\n");
                                case '\r' -> out.append("\\r");
                                case '\t' -> out.append("\\t");
                                case '\\' -> out.append("\\\\");
                                default -> {
                                    if (c == quote) out.append('\\').append((char) c);
                                    else if (c < 0x20 || c == 0x7f)
                                        out.append("\\x%02x".formatted(c));
                                    else if (printable(c)) out.appendCodePoint(c);
                                    else
                                        out.append(
                                                (c < 0x100
                                                                ? "\\x%02x"
                                                                : c < 0x10000
                                                                        ? "\\u%04x"
                                                                        : "\\U%08x")
                                                        .formatted(c));
                                }
                            }
                        });
        out.append(quote);
    }

    private static boolean printable(int c) {
        return c == ' '
                || switch (Character.getType(c)) {
                    case Character.CONTROL,
                            Character.FORMAT,
                            Character.SURROGATE,
                            Character.PRIVATE_USE,
                            Character.UNASSIGNED,
                            Character.LINE_SEPARATOR,
                            Character.PARAGRAPH_SEPARATOR,
                            Character.SPACE_SEPARATOR ->
                            false;
                    default -> true;
                };
    }
}
