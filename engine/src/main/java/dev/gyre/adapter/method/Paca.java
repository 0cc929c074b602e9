package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Columns;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * Partial connection adaptation (PaCA, arXiv 2503.01905): r randomly chosen columns of W learn.
 * What learns is p = W[:, idx]/s, with s = alpha/r as the reference has it, so that learning rates
 * mean the same; y = x·Wᵀ + bias + x[:, idx]·(s·p − W[:, idx])ᵀ. The base stays as it is, so that
 * an adapter can be taken off again.
 *
 * @param rank r, number of columns
 * @param alpha numerator of s
 * @param seed of the choice; slots of one layer and width choose alike
 */
public record Paca(int rank, double alpha, long seed) implements Method.PerSlot {
    @Override
    public String name() {
        return "paca";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private static String values(Slot slot) {
        return slot.name() + ".paca_w";
    }

    private static String features(Slot slot) {
        return slot.name() + ".paca_indices";
    }

    private double scale() {
        return alpha / rank;
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        Fits.atMost(name(), "rank", rank, slot.in(), slot);
        return List.of(
                new Declared(
                        values(slot),
                        new long[] {slot.out(), rank},
                        (r, s) -> base(slot, chosen(slot)).times(1 / scale())),
                Declared.kept(features(slot), new long[] {rank}, (r, s) -> chosen(slot)));
    }

    private Tensor chosen(Slot slot) {
        return Fits.firstOf(slot.in(), rank, seed + slot.layer().orElse(0));
    }

    /** W[:, idx], [out, r], from a weight in any encoding: what it makes of one-hot rows. */
    private static Tensor base(Slot slot, Tensor features) {
        try (var here = Scope.open()) {
            DType type = features.dtype();
            Tensor rows = Tensor.zeros(type, features.size(0), slot.in());
            Tensor where = features.to(DType.I64).unsqueeze(1);
            rows.scatterInPlace(1, where, Tensor.ones(type, features.size(0), 1));
            return here.give(slot.weight().times(rows).transpose(0, 1).contiguous());
        }
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var p = learned.get(values(slot));
        Tensor features = learned.get(features(slot)).value();
        Tensor change;
        try (var here = Scope.open()) {
            change = here.give(p.value().times(scale()).minus(base(slot, features)));
        }
        Var columns =
                tape.needs(p)
                        ? tape.record(change, g -> p.accumulate(g.times(scale())))
                        : Var.constant(change);
        return Effect.beside(new Columns(columns, features.to(DType.I64), slot.in()));
    }

    /** The registry's line for PaCA. */
    public static final MethodKind KIND = new PacaKind();
}
