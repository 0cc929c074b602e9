package dev.gyre.adapter.method;

import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/** Operations on the tape that move columns, not numbers. */
final class SideBySide {
    private SideBySide() {}

    /** Columns from … from+count−1 of x [N, d], side by side in memory. */
    static Var part(Tape tape, Var x, long from, long count) {
        Tensor y = x.value().narrow(1, from, count).contiguous();
        if (!tape.needs(x)) return Var.constant(y);
        return tape.record(y, dy -> x.gradientBuffer().narrow(1, from, count).plusInPlace(dy));
    }

    /** Two matrices of one height beside one another. */
    static Var join(Tape tape, Var left, Var right) {
        Tensor y = Tensor.cat(List.of(left.value(), right.value()), 1);
        if (!tape.needs(left, right)) return Var.constant(y);
        long l = left.value().size(1);
        long r = right.value().size(1);
        return tape.record(
                y,
                dy -> {
                    left.accumulate(dy.narrow(1, 0, l).copy());
                    right.accumulate(dy.narrow(1, l, r).copy());
                });
    }
}
