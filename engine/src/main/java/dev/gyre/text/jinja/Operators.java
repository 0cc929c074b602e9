package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Tuple;
import dev.gyre.text.jinja.Values.Undefined;

import java.util.ArrayList;
import java.util.List;

/** What operators and calls do with values. */
final class Operators {
    private static final int MOST_ITEMS = 10_000_000;

    private Operators() {}

    static boolean holds(String operator, Object a, Object b) {
        return switch (operator) {
            case "==" -> Values.equal(a, b);
            case "!=" -> !Values.equal(a, b);
            case "in" -> Values.contains(b, a);
            case "not in" -> !Values.contains(b, a);
            case "<" -> order(a, b) == -1;
            case "<=" -> order(a, b) == -1 || order(a, b) == 0;
            case ">" -> order(a, b) == 1;
            default -> order(a, b) == 1 || order(a, b) == 0;
        };
    }

    private static int order(Object a, Object b) {
        defined(a);
        defined(b);
        int order = Values.compare(a, b);
        return order == 2 ? 2 : Integer.signum(order); // 2: one of them is not a number
    }

    static Object apply(String operator, Object a, Object b) {
        defined(a);
        if (operator.equals("%") && a instanceof String format) return Formats.percent(format, b);
        defined(b);
        if (operator.equals("+")) {
            if (a instanceof String x && b instanceof String y) return x + y;
            if (a instanceof List<?> && b instanceof List<?>) return joined(a, b);
            if (a instanceof Tuple && b instanceof Tuple) return new Tuple(joined(a, b));
            if (a instanceof String)
                throw new TemplateError(
                        "can only concatenate str (not \"" + Values.typeName(b) + "\") to str");
        }
        if (operator.equals("*")) {
            if (Numbers.isWhole(b) && (a instanceof String || a instanceof List<?>))
                return repeated(a, Numbers.whole(b));
            if (Numbers.isWhole(a) && (b instanceof String || b instanceof List<?>))
                return repeated(b, Numbers.whole(a));
        }
        return Numbers.arithmetic(operator, a, b);
    }

    private static List<Object> joined(Object a, Object b) {
        var out = new ArrayList<Object>(Values.iterate(a));
        out.addAll(Values.iterate(b));
        if (out.size() > MOST_ITEMS) throw new TemplateError("a list grows too long");
        return out;
    }

    private static Object repeated(Object of, long times) {
        long count = Math.max(0, times);
        long length = of instanceof String s ? s.length() : Values.length(of);
        if (length > 0 && count > MOST_ITEMS / length)
            throw new TemplateError("a repeated value is too long");
        if (of instanceof String s) return s.repeat((int) Math.min(count, MOST_ITEMS));
        var out = new ArrayList<Object>();
        if (length > 0) for (long i = 0; i < count; i++) out.addAll(Values.iterate(of));
        return out;
    }

    static Object negate(Object v) {
        defined(v);
        return v instanceof Double d ? (Object) (-d) : Numbers.arithmetic("-", 0L, v);
    }

    static Object call(Object callee, Arguments arguments, Frame frame) {
        defined(callee);
        if (!(callee instanceof Values.Function function))
            throw new TemplateError("'" + Values.typeName(callee) + "' object is not callable");
        frame.step();
        return frame.made(function.call(arguments));
    }

    private static void defined(Object v) {
        if (v instanceof Undefined(var why)) throw new TemplateError(why);
    }

    static long parse(Token number) {
        String t = number.text().toLowerCase(java.util.Locale.ROOT);
        try {
            if (t.startsWith("0x")) return Long.parseLong(t.substring(2), 16);
            if (t.startsWith("0o")) return Long.parseLong(t.substring(2), 8);
            if (t.startsWith("0b")) return Long.parseLong(t.substring(2), 2);
            return Long.parseLong(t);
        } catch (NumberFormatException e) {
            throw TemplateError.at(
                    number.line(), "the number " + number.text() + " does not fit 64 bits");
        }
    }
}
