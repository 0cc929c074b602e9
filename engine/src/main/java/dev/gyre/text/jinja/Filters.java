package dev.gyre.text.jinja;

import dev.gyre.config.NearMiss;
import dev.gyre.text.jinja.Values.Tuple;
import dev.gyre.text.jinja.Values.Undefined;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

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
        put("join", Filters::join);
        put("first", (v, a) -> at(Values.iterate(v), true));
        put("last", (v, a) -> at(Values.iterate(v), false));
        put("list", (v, a) -> new ArrayList<>(Values.iterate(v)));
        put(
                "items",
                (v, a) ->
                        v instanceof Map<?, ?> map ? Methods.items(map) : new ArrayList<Object>());
        put("dictsort", (v, a) -> dictSort(v, a));
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
        put("sum", Filters::sum);
        put("min", (v, a) -> extreme(v, a, true));
        put("max", (v, a) -> extreme(v, a, false));
        put(
                "sort",
                (v, a) ->
                        sorted(
                                Values.iterate(v),
                                a.get(2, "attribute").map(Filters::member).orElse(x -> x),
                                a.truth(1, "case_sensitive"),
                                a.truth(0, "reverse")));
        put("unique", Filters::unique);
        put("map", Filters::map);
        put("select", (v, a) -> kept(v, tester(a, 0), true));
        put("reject", (v, a) -> kept(v, tester(a, 0), false));
        put("selectattr", (v, a) -> kept(v, onMember(a), true));
        put("rejectattr", (v, a) -> kept(v, onMember(a), false));
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
        boolean missing = v instanceof Undefined || a.truth(1, "boolean") && !Values.truth(v);
        return missing ? a.get(0, "default_value").orElse("") : v;
    }

    private static Object join(Object v, Arguments a) {
        var out = new StringBuilder();
        String between = a.get(0, "d").map(Values::text).orElse("");
        Function<Object, Object> member = a.get(1, "attribute").map(Filters::member).orElse(x -> x);
        String next = "";
        for (Object item : Values.iterate(v)) {
            out.append(next).append(Values.text(member.apply(item)));
            next = between;
        }
        return out.toString();
    }

    private static Object at(List<Object> items, boolean first) {
        if (items.isEmpty())
            return new Undefined("No " + (first ? "first" : "last") + " item, sequence was empty.");
        return first ? items.getFirst() : items.getLast();
    }

    /** A dotted path; a number in it is a place. */
    private static Function<Object, Object> member(Object path) {
        if (path == Values.NONE) return x -> x;
        String[] names = Values.text(path).split("\\.", -1);
        return value -> {
            Object out = value;
            for (String name : names)
                out =
                        Members.item(
                                out,
                                name.matches("[0-9]{1,9}")
                                        ? (Object) Long.parseLong(name)
                                        : (Object) name);
            return out;
        };
    }

    private static Object map(Object v, Arguments a) {
        Function<Object, Object> of;
        if (a.size() == 0 && a.named().containsKey("attribute")) {
            Function<Object, Object> member =
                    member(Objects.requireNonNull(a.named().get("attribute")));
            Object otherwise =
                    a.named().getOrDefault("default", new Undefined("no such attribute"));
            of = x -> member.apply(x) instanceof Undefined ? otherwise : member.apply(x);
        } else {
            String filter = a.text(0, "filter");
            var rest = new Arguments(a.positional().subList(1, a.size()), a.named());
            of = x -> apply(filter, x, rest, 0);
        }
        var out = new ArrayList<Object>();
        for (Object item : Values.iterate(v)) out.add(of.apply(item));
        return out;
    }

    private static Predicate<Object> tester(Arguments a, int from) {
        if (a.size() <= from) return Values::truth;
        String test = a.text(from, "test");
        var rest = new Arguments(a.positional().subList(from + 1, a.size()), a.named());
        return x -> Tests.holds(test, x, rest, 0);
    }

    private static Predicate<Object> onMember(Arguments a) {
        Function<Object, Object> member = member(a.need(0, "attribute"));
        Predicate<Object> test = tester(a, 1);
        return x -> test.test(member.apply(x));
    }

    private static Object kept(Object v, Predicate<Object> test, boolean wanted) {
        var out = new ArrayList<Object>();
        for (Object item : Values.iterate(v)) if (test.test(item) == wanted) out.add(item);
        return out;
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
            if (i > 0) out.append('\n');
            if (i == 0 ? first : blank || !lines[i].isEmpty()) out.append(blanks);
            out.append(lines[i]);
        }
        return out.toString();
    }

    private static Object sum(Object v, Arguments a) {
        Function<Object, Object> member = a.get(0, "attribute").map(Filters::member).orElse(x -> x);
        Object total = a.get(1, "start").orElse(0L);
        for (Object item : Values.iterate(v))
            total = Operators.apply("+", total, member.apply(item));
        return total;
    }

    /** Sorting ignores case unless told otherwise. */
    private static Comparator<Object> order(Function<Object, Object> member, boolean caseCounts) {
        return (a, b) ->
                Values.compare(
                        folded(member.apply(a), caseCounts), folded(member.apply(b), caseCounts));
    }

    private static Object folded(Object v, boolean caseCounts) {
        return v instanceof String s && !caseCounts ? Strings.lower(s) : v;
    }

    private static List<Object> sorted(
            List<Object> items,
            Function<Object, Object> member,
            boolean caseCounts,
            boolean reverse) {
        var out = new ArrayList<Object>(items);
        Comparator<Object> order = order(member, caseCounts);
        out.sort(reverse ? Collections.reverseOrder(order) : order);
        return out;
    }

    private static Object extreme(Object v, Arguments a, boolean least) {
        Function<Object, Object> member = a.get(1, "attribute").map(Filters::member).orElse(x -> x);
        Comparator<Object> order = order(member, a.truth(0, "case_sensitive"));
        List<Object> items = Values.iterate(v);
        if (items.isEmpty()) return new Undefined("No aggregated item, sequence was empty.");
        return least ? Collections.min(items, order) : Collections.max(items, order);
    }

    private static Object unique(Object v, Arguments a) {
        Function<Object, Object> member = a.get(1, "attribute").map(Filters::member).orElse(x -> x);
        var seen = new LinkedHashSet<Object>();
        var out = new ArrayList<Object>();
        for (Object item : Values.iterate(v))
            if (seen.add(Values.key(folded(member.apply(item), a.truth(0, "case_sensitive")))))
                out.add(item);
        return out;
    }

    private static Object dictSort(Object v, Arguments a) {
        if (!(v instanceof Map<?, ?> map))
            throw new TemplateError("dictsort wants a dict, not " + Values.typeName(v));
        long place = a.get(1, "by").map(Values::text).orElse("key").equals("value") ? 1 : 0;
        return sorted(
                Methods.items(map),
                x -> Members.item(x, place),
                a.truth(0, "case_sensitive"),
                a.truth(2, "reverse"));
    }
}
