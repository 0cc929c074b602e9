package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Tuple;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Cutting, formatting and reading of text as Python does it. */
final class Formats {
    private static final Pattern PERCENT =
            Pattern.compile("%(?:\\((\\w+)\\))?([-0+ ]*)(\\d{0,4})(?:\\.(\\d{1,3}))?([sdifrx%])");
    private static final Pattern BRACES = Pattern.compile("\\{\\{|\\}\\}|\\{([^{}]*)\\}");

    private Formats() {}

    static List<Object> words(String s) {
        var out = new ArrayList<Object>();
        int start = -1;
        for (int i = 0; i <= s.length(); i++) {
            boolean space = i == s.length() || Strings.isSpace(s.charAt(i));
            if (space && start >= 0) out.add(s.substring(start, i));
            start = space ? -1 : start < 0 ? i : start;
        }
        return out;
    }

    static List<Object> split(String s, Optional<String> separator, int most, boolean fromEnd) {
        if (separator.isEmpty()) return most < 0 ? words(s) : fewWords(s, most, fromEnd);
        String by = separator.get();
        if (by.isEmpty()) throw new TemplateError("empty separator");
        var out = new ArrayList<Object>();
        if (!fromEnd) {
            int from = 0;
            for (int at = s.indexOf(by); at >= 0 && out.size() != most; at = s.indexOf(by, from)) {
                out.add(s.substring(from, at));
                from = at + by.length();
            }
            out.add(s.substring(from));
            return out;
        }
        int to = s.length();
        for (int at = s.lastIndexOf(by);
                at >= 0 && out.size() != most;
                at = s.lastIndexOf(by, to - by.length())) {
            out.addFirst(s.substring(at + by.length(), to));
            to = at;
            if (to < by.length()) break;
        }
        out.addFirst(s.substring(0, to));
        return out;
    }

    /** Words up to a number; what is left stays whole. */
    private static List<Object> fewWords(String s, int most, boolean fromEnd) {
        var out = new ArrayList<Object>();
        String rest = fromEnd ? Strings.rstrip(s) : Strings.lstrip(s);
        while (!rest.isEmpty()) {
            int end = fromEnd ? rest.length() : 0;
            while (fromEnd
                    ? end > 0 && !Strings.isSpace(rest.charAt(end - 1))
                    : end < rest.length() && !Strings.isSpace(rest.charAt(end)))
                end += fromEnd ? -1 : 1;
            boolean whole = out.size() == most;
            if (fromEnd) {
                out.addFirst(whole ? rest : rest.substring(end));
                rest = whole ? "" : Strings.rstrip(rest.substring(0, end));
            } else {
                out.add(whole ? rest : rest.substring(0, end));
                rest = whole ? "" : Strings.lstrip(rest.substring(end));
            }
        }
        return out;
    }

    static List<Object> lines(String s, boolean keepEnds) {
        var out = new ArrayList<Object>();
        Matcher end =
                Pattern.compile("\r\n|[\n\r\u000B\f\u001C-\u001E\u0085\u2028\u2029]").matcher(s);
        int from = 0;
        while (end.find()) {
            out.add(s.substring(from, keepEnds ? end.end() : end.start()));
            from = end.end();
        }
        if (from < s.length()) out.add(s.substring(from));
        return out;
    }

    /** {@code format % values}. */
    static String percent(String format, Object values) {
        List<Object> items = values instanceof Tuple(var several) ? several : List.of(values);
        var out = new StringBuilder();
        Matcher m = PERCENT.matcher(format);
        int from = 0;
        int next = 0;
        for (int at = format.indexOf('%'); at >= 0; at = format.indexOf('%', from)) {
            if (!m.find(at) || m.start() != at)
                throw new TemplateError("unsupported format in \"" + format + "\"");
            out.append(format, from, at);
            Frame.fits(out.length());
            from = m.end();
            if (m.group(5).equals("%")) {
                out.append('%');
                continue;
            }
            Object value;
            if (m.group(1) != null) {
                value = Members.item(values, m.group(1));
            } else {
                if (next == items.size())
                    throw new TemplateError("not enough arguments for format string");
                value = items.get(next++);
            }
            String text =
                    converted(
                            m.group(5),
                            Optional.ofNullable(m.group(4)).map(Integer::parseInt),
                            value);
            boolean number = "dif".contains(m.group(5));
            if (number && m.group(2).contains("+") && !text.startsWith("-")) text = "+" + text;
            out.append(
                    padded(
                            text,
                            m.group(3),
                            m.group(2).contains("-"),
                            number && m.group(2).contains("0")));
        }
        if (next < items.size() && !(values instanceof Map<?, ?>))
            throw new TemplateError("not all arguments converted during string formatting");
        return out.append(format.substring(from)).toString();
    }

    private static String converted(String kind, Optional<Integer> precision, Object value) {
        return switch (kind) {
            case "s" -> cut(Values.text(value), precision);
            case "r" -> cut(Repr.of(value), precision);
            case "x" -> Long.toHexString(Numbers.whole(value));
            case "f" ->
                    new BigDecimal(Numbers.real(value))
                            .setScale(precision.orElse(6), RoundingMode.HALF_EVEN)
                            .toPlainString();
            default ->
                    value instanceof Double d
                            ? Long.toString((long) (double) d)
                            : Long.toString(Numbers.whole(value));
        };
    }

    private static String cut(String s, Optional<Integer> most) {
        return most.filter(n -> n < Strings.length(s))
                .map(n -> s.substring(0, s.offsetByCodePoints(0, n)))
                .orElse(s);
    }

    private static String padded(String text, String width, boolean left, boolean zeros) {
        int missing = (width.isEmpty() ? 0 : Integer.parseInt(width)) - Strings.length(text);
        if (missing <= 0) return text;
        if (left) return text + " ".repeat(missing);
        int sign = zeros && (text.startsWith("-") || text.startsWith("+")) ? 1 : 0;
        return text.substring(0, sign) + (zeros ? "0" : " ").repeat(missing) + text.substring(sign);
    }

    /** {@code format.format(…)}: names and places in braces, without format specifications. */
    static String braces(String format, Arguments a) {
        var out = new StringBuilder();
        Matcher m = BRACES.matcher(format);
        int from = 0;
        int next = 0;
        while (m.find()) {
            out.append(format, from, m.start());
            Frame.fits(out.length());
            from = m.end();
            String field = m.group(1);
            if (field == null) {
                out.append(m.group().charAt(0));
                continue;
            }
            if (!field.matches("\\w*"))
                throw new TemplateError("unsupported format field {" + field + "}");
            Object value =
                    field.isEmpty()
                            ? a.need(next++, "")
                            : field.matches("\\d{1,6}")
                                    ? a.need(Integer.parseInt(field), "")
                                    : a.get(Integer.MAX_VALUE, field)
                                            .orElseThrow(
                                                    () ->
                                                            new TemplateError(
                                                                    "no argument " + field));
            out.append(Values.text(value));
        }
        return out.append(format.substring(from)).toString();
    }

    static Object toInt(Object v, Arguments a) {
        Object otherwise = a.get(0, "default").orElse(0L);
        if (v instanceof Double d)
            return Double.isFinite(d) ? (Object) (long) (double) d : otherwise;
        if (Numbers.isWhole(v)) return Numbers.whole(v);
        if (!(v instanceof String s)) return otherwise;
        String text = Strings.lstrip(Strings.rstrip(s));
        try {
            return Long.parseLong(text, a.whole(1, "base", 10));
        } catch (NumberFormatException e) {
            Object real = toFloat(text, new Arguments(List.of(Values.NONE), Map.of()));
            return real instanceof Double d && Double.isFinite(d)
                    ? (Object) (long) (double) d
                    : otherwise;
        }
    }

    static Object toFloat(Object v, Arguments a) {
        Object otherwise = a.get(0, "default").orElse(0.0);
        if (Numbers.isNumber(v)) return Numbers.real(v);
        if (!(v instanceof String s)) return otherwise;
        String text = Strings.lstrip(Strings.rstrip(s));
        return text.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d{1,4})?")
                ? (Object) Double.parseDouble(text)
                : otherwise;
    }

    static Object round(Object v, Arguments a) {
        int digits = Math.clamp(a.whole(0, "precision", 0), -300, 300);
        RoundingMode mode =
                switch (a.get(1, "method").map(Values::text).orElse("common")) {
                    case "common" -> RoundingMode.HALF_EVEN;
                    case "ceil" -> RoundingMode.CEILING;
                    case "floor" -> RoundingMode.FLOOR;
                    default ->
                            throw new TemplateError("round: method must be common, ceil or floor");
                };
        if (Numbers.isWhole(v)) return Numbers.whole(v);
        double number = Numbers.real(v);
        if (!Double.isFinite(number)) return number;
        return Objects.requireNonNull(new BigDecimal(number).setScale(digits, mode)).doubleValue();
    }
}
