package dev.gyre.model;

import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Var;

import java.util.List;

/** Functions of a slot's input and output that no weight can express, after its linear parts. */
final class Gates {
    private Gates() {}

    /** Whether some rows pass through one. */
    static boolean any(Slot slot, List<Span> spans) {
        return spans.stream().anyMatch(s -> !of(slot, s).isEmpty());
    }

    /** y [N, out] after the functions of each span, which see x [N, in] too. */
    static Var apply(Tape tape, Slot slot, Var x, Var y, List<Span> spans) {
        Var out = y;
        for (Span span : spans) {
            for (Effect.Gated g : of(slot, span)) {
                out =
                        spans.size() == 1
                                ? g.function().apply(tape, x, out)
                                : rows(tape, g, span, x, out);
            }
        }
        return out;
    }

    private static List<Effect.Gated> of(Slot slot, Span span) {
        return span.at(slot.name()).stream()
                .filter(Effect.Gated.class::isInstance)
                .map(Effect.Gated.class::cast)
                .toList();
    }

    private static Var rows(Tape tape, Effect.Gated g, Span span, Var x, Var y) {
        Var rowsX = Rows.narrow(tape, x, span.from(), span.rows());
        Var rowsY = Rows.narrow(tape, y, span.from(), span.rows());
        return Rows.replace(tape, y, g.function().apply(tape, rowsX, rowsY), span.from());
    }
}
