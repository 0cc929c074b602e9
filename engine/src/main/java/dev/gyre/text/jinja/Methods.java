package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Function;
import dev.gyre.text.jinja.Values.Tuple;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The methods of texts, maps and lists that a sandboxed template may call: none of them changes its
 * object.
 */
final class Methods {
    @FunctionalInterface
    private interface OfText {
        Object call(String text, Arguments arguments);
    }

    private static final Map<String, OfText> TEXT = new HashMap<>();

    static {
        TEXT.put("strip", (s, a) -> lstrip(rstrip(s, a), a));
        TEXT.put("lstrip", Methods::lstrip);
        TEXT.put("rstrip", Methods::rstrip);
        TEXT.put("upper", (s, a) -> Strings.upper(s));
        TEXT.put("lower", (s, a) -> Strings.lower(s));
        TEXT.put("casefold", (s, a) -> Strings.lower(s).replace("\u00df", "ss"));
        TEXT.put("title", (s, a) -> Strings.title(s));
        TEXT.put("capitalize", (s, a) -> Strings.capitalize(s));
        TEXT.put("startswith", (s, a) -> any(a.need(0, "prefix"), s::startsWith));
        TEXT.put("endswith", (s, a) -> any(a.need(0, "suffix"), s::endsWith));
        TEXT.put(
                "split",
                (s, a) -> Formats.split(s, separator(a), a.whole(1, "maxsplit", -1), false));
        TEXT.put(
                "rsplit",
                (s, a) -> Formats.split(s, separator(a), a.whole(1, "maxsplit", -1), true));
        TEXT.put("splitlines", (s, a) -> Formats.lines(s, a.truth(0, "keepends")));
        TEXT.put(
                "partition",
                (s, a) -> parted(s, a.text(0, "sep"), s.indexOf(a.text(0, "sep")), false));
        TEXT.put(
                "rpartition",
                (s, a) -> parted(s, a.text(0, "sep"), s.lastIndexOf(a.text(0, "sep")), true));
        TEXT.put(
                "replace",
                (s, a) -> replace(s, a.text(0, "old"), a.text(1, "new"), a.whole(2, "count", -1)));
        TEXT.put(
                "removeprefix",
                (s, a) ->
                        s.startsWith(a.text(0, "prefix"))
                                ? s.substring(a.text(0, "prefix").length())
                                : s);
        TEXT.put(
                "removesuffix",
                (s, a) ->
                        s.endsWith(a.text(0, "suffix"))
                                ? s.substring(0, s.length() - a.text(0, "suffix").length())
                                : s);
        TEXT.put("join", (s, a) -> joined(s, a.need(0, "iterable")));
        TEXT.put("find", (s, a) -> place(s, s.indexOf(a.text(0, "sub"))));
        TEXT.put("rfind", (s, a) -> place(s, s.lastIndexOf(a.text(0, "sub"))));
        TEXT.put("index", (s, a) -> found(place(s, s.indexOf(a.text(0, "sub")))));
        TEXT.put("rindex", (s, a) -> found(place(s, s.lastIndexOf(a.text(0, "sub")))));
        TEXT.put("count", (s, a) -> count(s, a.text(0, "sub")));
        TEXT.put("format", Formats::braces);
        TEXT.put("isdigit", (s, a) -> !s.isEmpty() && s.codePoints().allMatch(Character::isDigit));
        TEXT.put(
                "isnumeric", (s, a) -> !s.isEmpty() && s.codePoints().allMatch(Character::isDigit));
        TEXT.put("isalpha", (s, a) -> !s.isEmpty() && s.codePoints().allMatch(Character::isLetter));
        TEXT.put(
                "isalnum",
                (s, a) -> !s.isEmpty() && s.codePoints().allMatch(Character::isLetterOrDigit));
        TEXT.put("isspace", (s, a) -> Strings.isBlank(s));
        TEXT.put("isupper", (s, a) -> Tests.isCase(s, true));
        TEXT.put("islower", (s, a) -> Tests.isCase(s, false));
        TEXT.put("ljust", (s, a) -> s + padding(s, a));
        TEXT.put("rjust", (s, a) -> padding(s, a) + s);
        TEXT.put("zfill", (s, a) -> zeros(s, a.whole(0, "width", 0)));
    }

    private Methods() {}

    static Optional<Function> of(Object value, String name) {
        if (value instanceof String s) {
            OfText method = TEXT.get(name);
            return method == null ? Optional.empty() : Optional.of(a -> method.call(s, a));
        }
        if (value instanceof Map<?, ?> map) return ofMap(map, name);
        if (value instanceof List<?> || value instanceof Tuple) return ofList(value, name);
        return Optional.empty();
    }

    private static Optional<Function> ofMap(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> Optional.of(a -> items(map));
            case "keys" -> Optional.of(a -> new ArrayList<Object>(map.keySet()));
            case "values" -> Optional.of(a -> new ArrayList<Object>(map.values()));
            case "copy" -> Optional.of(a -> new LinkedHashMap<Object, Object>(map));
            case "get" ->
                    Optional.of(
                            a -> {
                                Object found = map.get(Values.key(a.need(0, "key")));
                                return found == null
                                        ? a.get(1, "default").orElse(Values.NONE)
                                        : found;
                            });
            case "update", "pop", "clear", "setdefault", "popitem" ->
                    Optional.of(a -> changes(name));
            default -> Optional.empty();
        };
    }

    private static Optional<Function> ofList(Object list, String name) {
        return switch (name) {
            case "count" ->
                    Optional.of(
                            a ->
                                    Values.iterate(list).stream()
                                            .filter(v -> Values.equal(v, a.need(0, "value")))
                                            .count());
            case "index" ->
                    Optional.of(
                            a -> {
                                List<Object> items = Values.iterate(list);
                                for (int i = 0; i < items.size(); i++)
                                    if (Values.equal(items.get(i), a.need(0, "value")))
                                        return (long) i;
                                throw new TemplateError("the value is not in the list");
                            });
            case "copy" -> Optional.of(a -> new ArrayList<>(Values.iterate(list)));
            case "append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort" ->
                    Optional.of(a -> changes(name));
            default -> Optional.empty();
        };
    }

    private static Object changes(String name) {
        throw new TemplateError(
                "access to attribute '"
                        + name
                        + "' is unsafe: a template may not change its values");
    }

    static List<Object> items(Map<?, ?> map) {
        var out = new ArrayList<Object>();
        map.forEach((k, v) -> out.add(new Tuple(List.of(k, v))));
        return out;
    }

    private static Optional<String> chars(Arguments a) {
        return a.get(0, "chars").filter(c -> c != Values.NONE).map(c -> a.text(0, "chars"));
    }

    private static String lstrip(String s, Arguments a) {
        return chars(a).map(c -> Strings.lstrip(s, c)).orElseGet(() -> Strings.lstrip(s));
    }

    private static String rstrip(String s, Arguments a) {
        return chars(a).map(c -> Strings.rstrip(s, c)).orElseGet(() -> Strings.rstrip(s));
    }

    private static Optional<String> separator(Arguments a) {
        return a.get(0, "sep").filter(c -> c != Values.NONE).map(c -> a.text(0, "sep"));
    }

    private static boolean any(Object one, java.util.function.Predicate<String> test) {
        List<Object> all = one instanceof Tuple(var items) ? items : List.of(one);
        for (Object each : all) {
            if (!(each instanceof String s))
                throw new TemplateError("text is wanted, not " + Values.typeName(each));
            if (test.test(s)) return true;
        }
        return false;
    }

    private static Tuple parted(String s, String separator, int at, boolean last) {
        if (separator.isEmpty()) throw new TemplateError("empty separator");
        if (at < 0) return last ? new Tuple(List.of("", "", s)) : new Tuple(List.of(s, "", ""));
        return new Tuple(
                List.of(s.substring(0, at), separator, s.substring(at + separator.length())));
    }

    static String replace(String s, String old, String with, int count) {
        var out = new StringBuilder();
        int from = 0;
        for (int n = 0; n != count; n++) {
            int at = s.indexOf(old, from + (old.isEmpty() && n > 0 ? 1 : 0));
            if (at < 0 || (old.isEmpty() && n > s.length())) break;
            Frame.fits((long) out.length() + with.length());
            out.append(s, from, at).append(with);
            from = at + old.length();
        }
        return out.append(s.substring(from)).toString();
    }

    private static String joined(String between, Object items) {
        var out = new StringBuilder();
        String next = "";
        for (Object item : Values.iterate(items)) {
            if (!(item instanceof String s))
                throw new TemplateError(
                        "join: expected str instance, " + Values.typeName(item) + " found");
            Frame.fits((long) out.length() + next.length() + s.length());
            out.append(next).append(s);
            next = between;
        }
        return out.toString();
    }

    private static long place(String s, int at) {
        return at < 0 ? -1 : s.codePointCount(0, at);
    }

    private static long found(long at) {
        if (at < 0) throw new TemplateError("substring not found");
        return at;
    }

    private static long count(String s, String part) {
        if (part.isEmpty()) return Strings.length(s) + 1L;
        long n = 0;
        for (int at = s.indexOf(part); at >= 0; at = s.indexOf(part, at + part.length())) n++;
        return n;
    }

    private static String padding(String s, Arguments a) {
        int width = Math.min(a.whole(0, "width", 0), 1_000_000);
        return a.get(1, "fillchar")
                .map(Values::text)
                .orElse(" ")
                .repeat(Math.max(0, width - Strings.length(s)));
    }

    private static String zeros(String s, int width) {
        int signed = s.startsWith("-") || s.startsWith("+") ? 1 : 0;
        return s.substring(0, signed)
                + "0".repeat(Math.max(0, Math.min(width, 1_000_000) - Strings.length(s)))
                + s.substring(signed);
    }
}
