package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Undefined;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;

/** The filters that choose, order and gather items. */
final class Selections {
    private Selections() {}

    static Object join(Object v, Arguments a) {
        var out = new StringBuilder();
        String between = a.get(0, "d").map(Values::text).orElse("");
        Function<Object, Object> member =
                a.get(1, "attribute").map(Selections::member).orElse(x -> x);
        String next = "";
        for (Object item : Values.iterate(v)) {
            String text = Values.text(member.apply(item));
            Frame.fits((long) out.length() + next.length() + text.length());
            out.append(next).append(text);
            next = between;
        }
        return out.toString();
    }

    static Object at(List<Object> items, boolean first) {
        if (items.isEmpty())
            return new Undefined("No " + (first ? "first" : "last") + " item, sequence was empty.");
        return first ? items.getFirst() : items.getLast();
    }

    /** A dotted path; a number in it is a place. */
    static Function<Object, Object> member(Object path) {
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

    static Object map(Object v, Arguments a) {
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
            of = x -> Filters.apply(filter, x, rest, 0);
        }
        var out = new ArrayList<Object>();
        for (Object item : Values.iterate(v)) out.add(of.apply(item));
        return out;
    }

    static Predicate<Object> tester(Arguments a, int from) {
        if (a.size() <= from) return Values::truth;
        String test = a.text(from, "test");
        var rest = new Arguments(a.positional().subList(from + 1, a.size()), a.named());
        return x -> Tests.holds(test, x, rest, 0);
    }

    static Predicate<Object> onMember(Arguments a) {
        Function<Object, Object> member = member(a.need(0, "attribute"));
        Predicate<Object> test = tester(a, 1);
        return x -> test.test(member.apply(x));
    }

    static Object kept(Object v, Predicate<Object> test, boolean wanted) {
        var out = new ArrayList<Object>();
        for (Object item : Values.iterate(v)) if (test.test(item) == wanted) out.add(item);
        return out;
    }

    static Object sum(Object v, Arguments a) {
        Function<Object, Object> member =
                a.get(0, "attribute").map(Selections::member).orElse(x -> x);
        Object total = a.get(1, "start").orElse(0L);
        for (Object item : Values.iterate(v))
            total = Operators.apply("+", total, member.apply(item));
        return total;
    }

    /** Sorting ignores case unless told otherwise. */
    static Comparator<Object> order(Function<Object, Object> member, boolean caseCounts) {
        return (a, b) ->
                Values.compare(
                        folded(member.apply(a), caseCounts), folded(member.apply(b), caseCounts));
    }

    static Object folded(Object v, boolean caseCounts) {
        return v instanceof String s && !caseCounts ? Strings.lower(s) : v;
    }

    static List<Object> sorted(
            List<Object> items,
            Function<Object, Object> member,
            boolean caseCounts,
            boolean reverse) {
        var out = new ArrayList<Object>(items);
        Comparator<Object> order = order(member, caseCounts);
        out.sort(reverse ? Collections.reverseOrder(order) : order);
        return out;
    }

    static Object extreme(Object v, Arguments a, boolean least) {
        Function<Object, Object> member =
                a.get(1, "attribute").map(Selections::member).orElse(x -> x);
        Comparator<Object> order = order(member, a.truth(0, "case_sensitive"));
        List<Object> items = Values.iterate(v);
        if (items.isEmpty()) return new Undefined("No aggregated item, sequence was empty.");
        return least ? Collections.min(items, order) : Collections.max(items, order);
    }

    static Object unique(Object v, Arguments a) {
        Function<Object, Object> member =
                a.get(1, "attribute").map(Selections::member).orElse(x -> x);
        var seen = new LinkedHashSet<Object>();
        var out = new ArrayList<Object>();
        for (Object item : Values.iterate(v))
            if (seen.add(Values.key(folded(member.apply(item), a.truth(0, "case_sensitive")))))
                out.add(item);
        return out;
    }

    static Object dictSort(Object v, Arguments a) {
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
