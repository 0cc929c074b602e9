package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.linear.Diagonal;
import dev.gyre.linear.Product;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Weight-decomposed low-rank adaptation (DoRA, arXiv 2402.09353): W′ = diag(m ⊘ n)·(W + s·B·A),
 * where n_i is the length of row i of W + s·B·A and m, one number an output, is learned. As in the
 * paper's section 4.3 n is a constant to the gradient. Starts at m = the rows' lengths and B = 0.
 *
 * <p>n² comes from its parts, ‖W_i‖² + 2s·⟨W_i·Aᵀ, B_i⟩ + s²·B_i·(A·Aᵀ)·B_iᵀ, so that no product of
 * W's size is formed.
 *
 * @param lora A, B and s; its dropout acts on s·B·A alone
 */
public record Dora(Lora lora) implements Method.PerSlot {
    @Override
    public String name() {
        return "dora";
    }

    @Override
    public double learningRate() {
        return lora.learningRate();
    }

    private static String magnitude(Slot slot) {
        return slot.name() + ".lora_magnitude_vector";
    }

    private static String squares(Slot slot) {
        return slot.name() + ".row_squares";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        var all = new ArrayList<>(lora.parameters(slot));
        long[] shape = {slot.out()};
        all.add(new Declared(magnitude(slot), shape, (r, s) -> rowSquares(slot.weight()).sqrt()));
        all.add(Declared.derived(squares(slot), shape, (r, s) -> rowSquares(slot.weight())));
        return all;
    }

    private static Tensor rowSquares(Weight weight) {
        Tensor w = weight.dense();
        return w.times(w).sum(1, false);
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var a = learned.get(Lora.a(slot));
        Var b = learned.get(Lora.b(slot));
        double s = lora.scale(slot);
        Tensor n =
                lengths(slot.weight(), a.value(), b.value(), s, learned.get(squares(slot)).value());
        var gain = new Diagonal(divided(tape, learned.get(magnitude(slot)), n));
        return new Effect.Linear(
                null, gain, Product.of(new Thin(a, b, s), gain), null, lora.dropout());
    }

    /** The lengths of the rows of W + s·B·A. @return [out] */
    static Tensor lengths(Weight w, Tensor a, Tensor b, double s, Tensor rowSquares) {
        try (var here = Scope.open()) {
            Tensor cross = w.times(a).transpose(0, 1).times(b).sum(1, false);
            Tensor own = b.matmul(a.matmul(a.transpose(0, 1))).times(b).sum(1, false);
            return here.give(
                    rowSquares.plus(cross.timesInPlace(2 * s)).plusInPlace(own, s * s).sqrt());
        }
    }

    private static Var divided(Tape tape, Var m, Tensor n) {
        Tensor y = m.value().dividedBy(n);
        if (!tape.needs(m)) return Var.constant(y);
        Tensor kept = tape.save(n);
        return tape.record(y, dy -> m.accumulate(dy.dividedBy(kept)));
    }

    /** The registry's line for DoRA. */
    public static final MethodKind KIND =
            new OnLora<Dora>(
                    "dora",
                    "LoRA that learns the lengths of the weight's rows apart",
                    Dora.class,
                    m -> m.lora) {
                @Override
                public String parts() {
                    return "after + beside";
                }

                @Override
                void describe(Map<String, String> settings) {
                    settings.remove("bias");
                }

                @Override
                public String count() {
                    return super.count() + " + out";
                }

                @Override
                Dora of(Lora lora, Settings settings) {
                    return checked(lora);
                }

                private Dora checked(Lora lora) {
                    if (lora.bias())
                        throw new UserError("method dora: a bias beside B is not known with DoRA");
                    return new Dora(lora);
                }

                @Override
                boolean means(Tree config) {
                    return config.boolOr("use_dora", false);
                }

                @Override
                Dora fromPeft(Lora lora, Tree config, Reading reading) {
                    return checked(lora);
                }

                @Override
                Map<String, Object> ownKeys(Dora method) {
                    return Map.of("use_dora", true);
                }
            };
}
