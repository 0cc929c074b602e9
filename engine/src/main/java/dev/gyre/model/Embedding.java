package dev.gyre.model;

import dev.gyre.config.UserError;
import dev.gyre.linear.LinearMap;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * Token embedding: rows of a table, with adapters. Seen as a linear map its input is a one-hot row,
 * so of an effect's parts {@code after} acts on the looked-up row, and {@code beside} looks its own
 * columns up.
 */
final class Embedding {
    private Embedding() {}

    /** ids [N] → [N, d]. */
    static Var apply(Tape tape, Slot slot, int[] ids, List<Span> spans) {
        Tensor indices = Tensor.of(ids);
        Var x = table(tape, slot, indices, spans);
        for (Span span : spans) {
            for (Effect effect : span.at(slot.name()))
                x = adapted(tape, slot, effect, indices, x, span, spans.size());
        }
        return x;
    }

    private static Var table(Tape tape, Slot slot, Tensor indices, List<Span> spans) {
        Tensor rows = slot.weight().rows(indices);
        String name = slot.name() + ".weight";
        Var out = Var.constant(rows);
        for (Span span : spans) {
            var replaced = span.parameter(name);
            if (replaced.isEmpty()) continue;
            Tensor ids = indices.narrow(0, span.from(), span.rows());
            Var own = lookup(tape, replaced.get(), ids);
            out = spans.size() == 1 ? own : Rows.replace(tape, out, own, span.from());
        }
        return out;
    }

    private static Var lookup(Tape tape, Var table, Tensor ids) {
        Tensor rows = table.value().indexSelect(0, ids);
        if (!tape.needs(table)) return Var.constant(rows);
        Tensor kept = tape.save(ids);
        return tape.record(rows, dy -> table.gradientBuffer().indexAddInPlace(0, kept, dy));
    }

    private static Var adapted(
            Tape tape, Slot slot, Effect effect, Tensor indices, Var x, Span span, int spans) {
        Var rows = spans == 1 ? x : Rows.narrow(tape, x, span.from(), span.rows());
        Tensor ids = indices.narrow(0, span.from(), span.rows());
        if (!(effect instanceof Effect.Linear e))
            throw new UserError("an embedding (" + slot.name() + ") cannot carry a gated adapter");
        if (e.before() != null)
            throw new UserError("nothing can stand before an embedding (" + slot.name() + ")");
        if (e.after() != null) rows = mapped(tape, e.after(), rows);
        if (e.beside() != null) rows = Rows.sum(tape, rows, columns(tape, e.beside(), ids));
        return spans == 1 ? rows : Rows.replace(tape, x, rows, span.from());
    }

    private static Var mapped(Tape tape, LinearMap map, Var x) {
        Tensor y = map.times(x.value());
        boolean learns = map.variables().stream().anyMatch(Var::needsGradient) && tape.recording();
        if (!learns && !tape.needs(x)) return Var.constant(y);
        Tensor kept = tape.save(x.value());
        return tape.record(y, dy -> x.accumulate(map.backward(kept, dy)));
    }

    private static Var columns(Tape tape, LinearMap map, Tensor ids) {
        Tensor y = map.columns(ids);
        if (!tape.needs(map.variables().toArray(Var[]::new))) return Var.constant(y);
        Tensor kept = tape.save(ids);
        return tape.record(
                y,
                dy -> {
                    try (var _ = Scope.open()) {
                        map.backwardOfColumns(kept, dy);
                    }
                });
    }
}
