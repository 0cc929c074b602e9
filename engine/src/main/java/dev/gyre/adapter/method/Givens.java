package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.LinearMap;
import dev.gyre.linear.Pairs;
import dev.gyre.linear.Product;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;

/**
 * Chains of Givens rotations (after GOFT, arXiv 2404.04316): y = (x·G_0·…·G_(L−1))·Wᵀ + bias, where
 * G_k turns features 2ᵏ apart in disjoint pairs, each by its own angle. L stages join every feature
 * with 2ᴸ others; orthogonal to rounding whatever the angles. Starts at angle 0.
 *
 * @param stages L; 0 for as many as the width allows, the exponent of 2 in it
 */
public record Givens(int stages) implements Method.PerSlot {
    @Override
    public String name() {
        return "givens";
    }

    @Override
    public double learningRate() {
        return 1e-2;
    }

    private static String key(Slot slot) {
        return slot.name() + ".givens_angles";
    }

    private int stages(Slot slot) {
        Fits.linear(name(), slot);
        if (stages == 0) return Math.max(1, Long.numberOfTrailingZeros(slot.in()));
        Fits.divides(name(), "stages: 2^stages", 1L << stages, slot.in(), slot);
        return stages;
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        long[] shape = {stages(slot), slot.in() / 2};
        return List.of(new Declared(key(slot), shape, Declared.ZEROS));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var angles = learned.get(key(slot));
        Tensor cos = angles.value().cos();
        Tensor sin = angles.value().sin();
        var maps = new ArrayList<LinearMap>();
        for (int k = 0; k < stages(slot); k++)
            maps.add(
                    new Pairs(
                            stage(tape, angles, cos, sin, -1, k),
                            stage(tape, angles, sin, cos, 1, k),
                            2L << k));
        return Effect.before(new Product(maps));
    }

    /**
     * A function of the angles' row k, each number for both features of its pair: [d].
     *
     * @param values of the function, [L, d/2]
     * @param slopes its derivative but for the sign, [L, d/2]
     */
    private static Var stage(
            Tape tape, Var angles, Tensor values, Tensor slopes, double sign, int k) {
        long group = 2L << k;
        Tensor y = Pairs.spread(values.select(0, k), group);
        if (!tape.needs(angles)) return Var.constant(y);
        Tensor slope = tape.save(slopes.select(0, k));
        return tape.record(
                y,
                dy ->
                        angles.gradientBuffer()
                                .select(0, k)
                                .plusProductInPlace(Pairs.gathered(dy, group), slope, sign));
    }

    /** The registry's line for Givens chains. */
    public static final MethodKind KIND = new GivensKind();
}
