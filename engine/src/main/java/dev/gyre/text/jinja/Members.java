package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Tuple;
import dev.gyre.text.jinja.Values.Undefined;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code a.b}, {@code a[b]} and {@code a[b:c:d]}. */
final class Members {
    private Members() {}

    /** {@code a.b}: a method or attribute first, then an item. */
    static Object attribute(Object of, String name) {
        refuse(of);
        if (of instanceof Loop loop) return loop.attribute(name);
        if (of instanceof Values.Namespace(var attributes)) {
            Object value = attributes.get(name);
            return value == null
                    ? new Undefined("namespace has no attribute '" + name + "'")
                    : value;
        }
        Optional<Values.Function> method = Methods.of(of, name);
        if (method.isPresent()) return method.get();
        if (of instanceof Map<?, ?> map) {
            Object value = map.get(name);
            if (value != null) return value;
        }
        return missing(of, name);
    }

    /** {@code a[b]}: an item first, then an attribute. */
    static Object item(Object of, Object key) {
        refuse(of);
        if (of instanceof Map<?, ?> map) {
            Object value = map.get(Values.key(key));
            if (value != null) return value;
        } else if (Numbers.isWhole(key)
                && (of instanceof String || of instanceof List<?> || of instanceof Tuple)) {
            List<Object> items = Values.iterate(of);
            int at = Numbers.index(key);
            if (at < 0) at += items.size();
            return at >= 0 && at < items.size() ? items.get(at) : missing(of, Values.text(key));
        }
        return key instanceof String name ? attribute(of, name) : missing(of, Values.text(key));
    }

    private static Undefined missing(Object of, String name) {
        return new Undefined(
                "'" + Values.typeName(of) + " object' has no attribute '" + name + "'");
    }

    private static void refuse(Object of) {
        if (of instanceof Undefined(var name)) throw new TemplateError(name);
    }

    static Object slice(
            Object of, Optional<Object> from, Optional<Object> to, Optional<Object> by) {
        refuse(of);
        if (!(of instanceof String || of instanceof List<?> || of instanceof Tuple))
            throw new TemplateError("'" + Values.typeName(of) + "' object cannot be sliced");
        List<Object> items = Values.iterate(of);
        int size = items.size();
        int step = by.filter(v -> v != Values.NONE).map(Numbers::index).orElse(1);
        if (step == 0) throw new TemplateError("slice step cannot be zero");
        int low = step > 0 ? 0 : -1;
        int high = step > 0 ? size : size - 1;
        int start = bound(from, step > 0 ? low : high, size, low, high);
        int stop = bound(to, step > 0 ? high : low, size, low, high);
        var out = new ArrayList<Object>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) out.add(items.get((int) i));
        if (of instanceof String) {
            var text = new StringBuilder();
            out.forEach(text::append);
            return text.toString();
        }
        return of instanceof Tuple ? new Tuple(out) : out;
    }

    private static int bound(Optional<Object> given, int otherwise, int size, int low, int high) {
        if (given.isEmpty() || given.get() == Values.NONE) return otherwise;
        long at = Numbers.whole(given.get());
        return Math.clamp(at < 0 ? at + size : at, low, high);
    }
}
