package dev.gyre.model;

import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

/** The gate of a gated MLP: silu(gate) ⊙ up. */
final class GatedMlp {
    private GatedMlp() {}

    /** gate, up [N, m] → [N, m]. */
    static Var apply(Tape tape, Var gate, Var up) {
        Tensor y;
        try (var here = Scope.open()) {
            y = here.give(gate.value().silu().timesInPlace(up.value()));
        }
        if (!tape.needs(gate, up)) return Var.constant(y);
        Tensor g = tape.save(gate.value());
        Tensor u = tape.save(up.value());
        return tape.record(
                y,
                dy -> {
                    up.accumulate(g.silu().timesInPlace(dy));
                    gate.accumulate(g.siluBackward(dy.times(u)));
                });
    }
}
