package dev.gyre.model;

import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/** Operations on the tape that move rows, not numbers. */
final class Rows {
    private Rows() {}

    /** Rows from … from+count−1 of x [N, d]. */
    static Var narrow(Tape tape, Var x, int from, int count) {
        Tensor y = x.value().narrow(0, from, count);
        if (!tape.needs(x)) return Var.constant(y);
        long[] shape = x.value().shape();
        return tape.record(
                y,
                dy -> {
                    Tensor dx = Tensor.zeros(dy.dtype(), shape);
                    dx.narrow(0, from, count).copyFrom(dy);
                    x.accumulate(dx);
                });
    }

    /** x with the rows from {@code from} on replaced. */
    static Var replace(Tape tape, Var x, Var rows, int from) {
        long count = rows.value().size(0);
        Tensor y = x.value().copy();
        y.narrow(0, from, count).copyFrom(rows.value());
        if (!tape.needs(x, rows)) return Var.constant(y);
        return tape.record(
                y,
                dy -> {
                    rows.accumulateShared(dy.narrow(0, from, count));
                    Tensor dx = dy.copy();
                    dx.narrow(0, from, count).zeroInPlace();
                    x.accumulate(dx);
                });
    }

    /** x [N, d] after what adapters do to its rows at a hook point. */
    static Var hooked(Tape tape, Var x, List<Span> spans, String point) {
        Var out = x;
        for (Span span : spans) {
            for (Hook hook : span.hooks(point)) {
                if (!(hook instanceof Hook.Mapped(var function, var _))) continue;
                if (spans.size() == 1) {
                    out = function.apply(tape, out);
                    continue;
                }
                Var rows = narrow(tape, out, span.from(), span.rows());
                out = replace(tape, out, function.apply(tape, rows), span.from());
            }
        }
        return out;
    }

    /** The chosen rows of x [N, d]: [M, d]. */
    static Var pick(Tape tape, Var x, Tensor indices) {
        Tensor y = x.value().indexSelect(0, indices);
        if (!tape.needs(x)) return Var.constant(y);
        Tensor kept = tape.save(indices);
        long[] shape = x.value().shape();
        return tape.record(
                y,
                dy -> x.accumulate(Tensor.zeros(dy.dtype(), shape).indexAddInPlace(0, kept, dy)));
    }

    /** x + y of one shape: the residual connection. */
    static Var sum(Tape tape, Var x, Var y) {
        Tensor sum = x.value().plus(y.value());
        if (!tape.needs(x, y)) return Var.constant(sum);
        return tape.record(
                sum,
                d -> {
                    x.accumulateShared(d);
                    y.accumulateShared(d);
                });
    }
}
