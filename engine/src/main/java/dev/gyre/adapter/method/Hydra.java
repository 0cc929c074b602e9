package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.config.UserError;
import dev.gyre.linear.Residual;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;

import java.util.ArrayList;
import java.util.List;

/**
 * Hydra (arXiv 2309.06922): LoRA's branch beside the weight and a second one that reads what comes
 * out of it. With u = x·Wᵀ + bias: y = u + s·(x·A_pᵀ)·B_pᵀ + s·(u·A_sᵀ)·B_sᵀ. Starts at B_p = B_s =
 * 0, A as linear layers start.
 *
 * @param parallel rank of the branch that reads x; 0 for none
 * @param sequential rank of the branch that reads u; 0 for none
 * @param scale s
 */
public record Hydra(int parallel, int sequential, double scale) implements Method.PerSlot {
    public Hydra {
        if (parallel + sequential < 1)
            throw new UserError("method hydra: parallel and sequential cannot both be 0");
    }

    @Override
    public String name() {
        return "hydra";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private static String key(Slot slot, String branch, String matrix) {
        return slot.name() + ".hydra_" + branch + ".hydra_" + matrix + ".weight";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        var declared = new ArrayList<Declared>();
        branch(declared, slot, "par", parallel, slot.in());
        branch(declared, slot, "seq", sequential, slot.out());
        return declared;
    }

    private static void branch(
            List<Declared> into, Slot slot, String branch, int rank, long width) {
        if (rank == 0) return;
        into.add(
                new Declared(
                        key(slot, branch, "A"),
                        new long[] {rank, width},
                        Declared.uniform(1 / Math.sqrt(width))));
        into.add(
                new Declared(
                        key(slot, branch, "B"), new long[] {slot.out(), rank}, Declared.ZEROS));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Thin beside = parallel == 0 ? null : thin(slot, learned, "par");
        if (sequential == 0) return new Effect.Linear(null, null, beside, null, 0);
        return Fits.after(tape, slot, new Residual(thin(slot, learned, "seq")), beside);
    }

    private Thin thin(Slot slot, Learned learned, String branch) {
        return new Thin(
                learned.get(key(slot, branch, "A")), learned.get(key(slot, branch, "B")), scale);
    }

    /** The registry's line for Hydra. */
    public static final MethodKind KIND = new HydraKind();
}
