package dev.gyre.text.jinja;

import dev.gyre.config.NearMiss;
import dev.gyre.text.jinja.Values.Tuple;
import dev.gyre.text.jinja.Values.Undefined;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What may stand after {@code is}. */
final class Tests {
    @FunctionalInterface
    interface Test {
        boolean holds(Object value, Arguments arguments);
    }

    private static final Map<String, Test> BY_NAME = new HashMap<>();

    static {
        put("defined", (v, a) -> !(v instanceof Undefined));
        put("undefined", (v, a) -> v instanceof Undefined);
        put("none", (v, a) -> v == Values.NONE);
        put("string", (v, a) -> v instanceof String);
        put("mapping", (v, a) -> v instanceof Map<?, ?>);
        put("sequence", (v, a) -> isIterable(v));
        put("iterable", (v, a) -> isIterable(v));
        put("number", (v, a) -> Numbers.isNumber(v));
        put("integer", (v, a) -> v instanceof Long);
        put("float", (v, a) -> v instanceof Double);
        put("boolean", (v, a) -> v instanceof Boolean);
        put("true", (v, a) -> v.equals(true));
        put("false", (v, a) -> v.equals(false));
        put("callable", (v, a) -> v instanceof Values.Function || v instanceof Undefined);
        put("even", (v, a) -> Numbers.whole(v) % 2 == 0);
        put("odd", (v, a) -> Numbers.whole(v) % 2 != 0);
        put("divisibleby", (v, a) -> Numbers.arithmetic("%", v, a.need(0, "num")).equals(0L));
        put("lower", (v, a) -> isCase(Values.text(v), false));
        put("upper", (v, a) -> isCase(Values.text(v), true));
        put("in", (v, a) -> Values.contains(a.need(0, "seq"), v));
        put(
                "sameas",
                (v, a) ->
                        v == a.need(0, "other")
                                || (v instanceof Boolean && v.equals(a.need(0, "other"))));
        put("filter", (v, a) -> v instanceof String name && Filters.names().contains(name));
        put("test", (v, a) -> v instanceof String name && BY_NAME.containsKey(name));
        operator("==", "eq", "equalto");
        operator("!=", "ne");
        operator("<", "lt", "lessthan");
        operator("<=", "le");
        operator(">", "gt", "greaterthan");
        operator(">=", "ge");
    }

    private Tests() {}

    private static void put(String name, Test test) {
        BY_NAME.put(name, test);
    }

    private static void operator(String operator, String... names) {
        Test test = (v, a) -> Operators.holds(operator, v, a.need(0, "other"));
        BY_NAME.put(operator, test);
        for (String name : names) BY_NAME.put(name, test);
    }

    static boolean holds(String name, Object value, Arguments arguments, int line) {
        Test test = BY_NAME.get(name);
        if (test == null)
            throw TemplateError.at(
                    line, "no test named \"" + name + "\"" + NearMiss.hint(name, BY_NAME.keySet()));
        return test.holds(value, arguments);
    }

    private static boolean isIterable(Object v) {
        return v instanceof String
                || v instanceof List<?>
                || v instanceof Tuple
                || v instanceof Map<?, ?>
                || v instanceof Undefined;
    }

    static boolean isCase(String s, boolean upper) {
        boolean some = false;
        for (int c : s.codePoints().toArray()) {
            if (upper ? Character.isLowerCase(c) : Character.isUpperCase(c)) return false;
            if (Character.isTitleCase(c)) return false;
            some |= upper ? Character.isUpperCase(c) : Character.isLowerCase(c);
        }
        return some;
    }
}
