package dev.gyre.text.jinja;

import dev.gyre.config.NearMiss;
import dev.gyre.text.jinja.Values.Tuple;
import dev.gyre.text.jinja.Values.Undefined;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** What may stand after {@code |}. */
final class Filters {
    @FunctionalInterface
    interface Filter {
        Object apply(Object value, Arguments arguments);
    }

    private static final Map<String, Filter> BY_NAME = new HashMap<>();

    static {
        text("upper", Strings::upper);
        text("lower", Strings::lower);
        text("capitalize", Strings::capitalize);
        text("title", Filters::title);
        text("string", s -> s);
        text("safe", s -> s);
        text("escape", Filters::escaped);
        text("e", Filters::escaped);
        text("forceescape", Filters::escaped);
        text(
                "striptags",
                s ->
                        String.join(
                                " ",
                                s.replaceAll("(?s)<!--.*?-->|<[^>]*>", "").strip().split("\\s+")));
        put(
                "trim",
                (v, a) ->
                        a.get(0, "chars").filter(c -> c != Values.NONE).isPresent()
                                ? Strings.lstrip(
                                        Strings.rstrip(Values.text(v), a.text(0, "chars")),
                                        a.text(0, "chars"))
                                : Strings.lstrip(Strings.rstrip(Values.text(v))));
        put("length", (v, a) -> Values.length(v));
        put("count", (v, a) -> Values.length(v));
        put("wordcount", (v, a) -> (long) Formats.words(Values.text(v)).size());
        put("default", Filters::otherwise);
        put("d", Filters::otherwise);
        put("tojson", JsonText::filter);
        put("join", Selections::join);
        put("first", (v, a) -> Selections.at(Values.iterate(v), true));
        put("last", (v, a) -> Selections.at(Values.iterate(v), false));
        put("list", (v, a) -> new ArrayList<>(Values.iterate(v)));
        put(
                "items",
                (v, a) ->
                        v instanceof Map<?, ?> map ? Methods.items(map) : new ArrayList<Object>());
        put("dictsort", (v, a) -> Selections.dictSort(v, a));
        put(
                "reverse",
                (v, a) ->
                        v instanceof String
                                ? Members.slice(
                                        v, Optional.empty(), Optional.empty(), Optional.of(-1L))
                                : new ArrayList<>(Values.iterate(v)).reversed());
        put(
                "replace",
                (v, a) ->
                        Methods.replace(
                                Values.text(v),
                                Values.text(a.need(0, "old")),
                                Values.text(a.need(1, "new")),
                                a.get(2, "count")
                                        .filter(c -> c != Values.NONE)
                                        .map(Numbers::index)
                                        .orElse(-1)));
        put("indent", Filters::indent);
        put("int", Formats::toInt);
        put("float", Formats::toFloat);
        put(
                "abs",
                (v, a) ->
                        v instanceof Double d
                                ? (Object) Math.abs(d)
                                : (Object) Math.abs(Numbers.whole(v)));
        put("round", Formats::round);
        put(
                "format",
                (v, a) ->
                        Formats.percent(
                                Values.text(v),
                                a.named().isEmpty()
                                        ? new Tuple(a.positional())
                                        : new HashMap<Object, Object>(a.named())));
        put("sum", Selections::sum);
        put("min", (v, a) -> Selections.extreme(v, a, true));
        put("max", (v, a) -> Selections.extreme(v, a, false));
        put(
                "sort",
                (v, a) ->
                        Selections.sorted(
                                Values.iterate(v),
                                a.get(2, "attribute").map(Selections::member).orElse(x -> x),
                                a.truth(1, "case_sensitive"),
                                a.truth(0, "reverse")));
        put("unique", Selections::unique);
        put("map", Selections::map);
        put("select", (v, a) -> Selections.kept(v, Selections.tester(a, 0), true));
        put("reject", (v, a) -> Selections.kept(v, Selections.tester(a, 0), false));
        put("selectattr", (v, a) -> Selections.kept(v, Selections.onMember(a), true));
        put("rejectattr", (v, a) -> Selections.kept(v, Selections.onMember(a), false));
        put(
                "attr",
                (v, a) ->
                        v instanceof Map<?, ?>
                                ? new Undefined("no attribute")
                                : Members.attribute(v, a.text(0, "name")));
    }

    private Filters() {}

    private static void put(String name, Filter filter) {
        BY_NAME.put(name, filter);
    }

    private static void text(String name, Function<String, String> of) {
        BY_NAME.put(name, (v, a) -> of.apply(Values.text(v)));
    }

    static Set<String> names() {
        return BY_NAME.keySet();
    }

    static Object apply(String name, Object value, Arguments arguments, int line) {
        Filter filter = BY_NAME.get(name);
        if (filter == null)
            throw TemplateError.at(
                    line,
                    "no filter named \"" + name + "\"" + NearMiss.hint(name, BY_NAME.keySet()));
        return filter.apply(value, arguments);
    }

    /** jinja2's own: words begin after blanks, dashes and opening brackets. */
    private static String title(String s) {
        var out = new StringBuilder();
        boolean begins = true;
        for (String c : Strings.characters(s)) {
            out.append(begins ? Strings.upper(c) : Strings.lower(c));
            begins = "-([{<".contains(c) || Strings.isSpace(c.codePointAt(0));
        }
        return out.toString();
    }

    private static String escaped(String s) {
        return s.replace("&", "&amp;")
                .replace(">", "&gt;")
                .replace("<", "&lt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    private static Object otherwise(Object v, Arguments a) {
        boolean missing = v instanceof Undefined || (a.truth(1, "boolean") && !Values.truth(v));
        return missing ? a.get(0, "default_value").orElse("") : v;
    }

    private static Object indent(Object v, Arguments a) {
        Object width = a.get(0, "width").orElse(4L);
        String blanks =
                width instanceof String s
                        ? s
                        : " ".repeat(Math.clamp(Numbers.index(width), 0, 10_000));
        boolean first = a.truth(1, "first");
        boolean blank = a.truth(2, "blank");
        String[] lines = Values.text(v).split("\n", -1);
        var out = new StringBuilder();
        for (int i = 0; i < lines.length; i++) {
            Frame.fits((long) out.length() + blanks.length());
            if (i > 0) out.append('\n');
            if (i == 0 ? first : blank || !lines[i].isEmpty()) out.append(blanks);
            out.append(lines[i]);
        }
        return out.toString();
    }
}
