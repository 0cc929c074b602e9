package dev.gyre.model;

import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Rows of a batch that the same adapters act on.
 *
 * @param from first row
 * @param to one past the last row
 * @param adapters applied one after another; empty for the base alone
 */
public record Span(int from, int to, List<Effects> adapters) {
    public Span {
        if (from < 0 || to < from) throw new IllegalArgumentException("rows " + from + " to " + to);
        adapters = List.copyOf(adapters);
    }

    /**
     * The spans of a choice of rows, as they lie when only those are left.
     *
     * @param rows in rising order
     */
    public static List<Span> of(List<Span> spans, int[] rows) {
        var out = new ArrayList<Span>();
        int done = 0;
        for (Span span : spans) {
            int end = done;
            while (end < rows.length && rows[end] < span.to()) end++;
            if (end > done) out.add(new Span(done, end, span.adapters()));
            done = end;
        }
        return out;
    }

    int rows() {
        return to - from;
    }

    /** The effects of these adapters at a slot, in their order. */
    List<Effect> at(String slot) {
        return adapters.stream().flatMap(a -> a.at(slot).stream()).toList();
    }

    /** What these adapters do at a hook point, in their order. */
    List<Hook> hooks(String point) {
        return adapters.stream().flatMap(a -> a.hook(point).stream()).toList();
    }

    /** What stands for a parameter here: the last adapter that replaces it has its way. */
    Optional<Var> parameter(String name) {
        return adapters.reversed().stream().flatMap(a -> a.parameter(name).stream()).findFirst();
    }
}
