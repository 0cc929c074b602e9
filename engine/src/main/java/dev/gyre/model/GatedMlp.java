package dev.gyre.model;

import dev.gyre.tensor.Saved;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.SiluGate;

/** The gate of a gated MLP: silu(gate) ⊙ up. */
final class GatedMlp {
    private GatedMlp() {}

    /** gate, up [N, m] → [N, m]. */
    static Var apply(Tape tape, Var gate, Var up) {
        Tensor y = product(gate.value(), up.value());
        if (!tape.needs(gate, up)) return Var.constant(y);
        Saved g = tape.save(gate);
        Saved u = tape.save(up);
        return tape.recordCheap(
                y, () -> product(g.get(), u.get()), dy -> backward(gate, up, g.get(), u.get(), dy));
    }

    private static Tensor product(Tensor gate, Tensor up) {
        if (!Kernels.fitGate(gate, up)) {
            try (var here = Scope.open()) {
                return here.give(gate.silu().timesInPlace(up));
            }
        }
        Tensor y = gate.emptyLike();
        SiluGate.gate(gate, up, y);
        return y;
    }

    private static void backward(Var gate, Var up, Tensor g, Tensor u, Tensor dy) {
        if (Kernels.fitGate(g, u) && Kernels.fitGate(dy, dy)) {
            Tensor dg = g.emptyLike();
            Tensor du = u.emptyLike();
            SiluGate.back(g, u, dy, dg, du);
            gate.accumulate(dg);
            up.accumulate(du);
        } else {
            up.accumulate(g.silu().timesInPlace(dy));
            gate.accumulate(g.siluBackward(dy.times(u)));
        }
    }
}
