package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Function;
import dev.gyre.text.jinja.Values.Namespace;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template sees: jinja2's and those that transformers adds. */
final class Builtins {
    private static final int LONGEST_RANGE = 100_000;

    static final Map<String, Function> FUNCTIONS =
            Map.of(
                    "range", Builtins::range,
                    "dict", a -> new LinkedHashMap<Object, Object>(pairs(a)),
                    "namespace", a -> new Namespace(pairs(a)),
                    "raise_exception",
                            a -> {
                                throw new TemplateError(Values.text(a.need(0, "message")));
                            },
                    "strftime_now",
                            a ->
                                    Clock.format(
                                            a.text(0, "format"),
                                            LocalDateTime.now(ZoneId.systemDefault())));

    private Builtins() {}

    private static Map<String, Object> pairs(Arguments a) {
        var out = new LinkedHashMap<String, Object>();
        for (Object given : a.positional()) {
            if (given instanceof Map<?, ?> map) map.forEach((k, v) -> out.put(Values.text(k), v));
            else
                for (Object pair : Values.iterate(given)) {
                    List<Object> two = Values.iterate(pair);
                    if (two.size() != 2) throw new TemplateError("dict: pairs are wanted");
                    out.put(Values.text(two.get(0)), two.get(1));
                }
        }
        out.putAll(a.named());
        return out;
    }

    private static Object range(Arguments a) {
        long from = a.size() < 2 ? 0 : Numbers.whole(a.need(0, "start"));
        long to = Numbers.whole(a.need(a.size() < 2 ? 0 : 1, "stop"));
        long step = a.size() < 3 ? 1 : Numbers.whole(a.need(2, "step"));
        if (step == 0) throw new TemplateError("range() arg 3 must not be zero");
        var out = new ArrayList<Object>();
        for (long i = from; step > 0 ? i < to : i > to; i += step) {
            if (out.size() == LONGEST_RANGE)
                throw new TemplateError(
                        "Range too big. The sandbox blocks ranges larger than "
                                + LONGEST_RANGE
                                + ".");
            out.add(i);
        }
        return out;
    }
}
