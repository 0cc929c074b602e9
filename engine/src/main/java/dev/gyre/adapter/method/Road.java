package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Pairs;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * RoAd, rotation adaptation (arXiv 2409.00119), as PEFT has it: pairs of output features are turned
 * and scaled, y = a ⊙ z + b ⊙ h(z) with z = x·Wᵀ + bias, a = α·cos θ and b = α·sin θ. Feature i of
 * a group is paired with i + group/2. With one angle and scale a pair it is a rotation with scale;
 * with two each feature has its own, with four a and b do too. Starts at θ = 0, α = 1.
 *
 * @param each numbers of each kind a pair: 1, 2 or 4
 * @param group even; divides the width of what comes out
 * @param random start at θ ~ N(0, ¼), α ~ N(1, ¼), for tests
 */
public record Road(int each, int group, boolean random) implements Method.PerSlot {
    @Override
    public String name() {
        return "road";
    }

    @Override
    public double learningRate() {
        return 1e-2;
    }

    private static String theta(Slot slot) {
        return slot.name() + ".road_theta";
    }

    private static String alpha(Slot slot) {
        return slot.name() + ".road_alpha";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        Fits.divides(name(), "group", group, slot.out(), slot);
        long[] shape = {slot.out() / 2 * each};
        Declared.Initial one = (r, s) -> Declared.normal(0.5).make(r, s).plusInPlace(1.0);
        return List.of(
                new Declared(theta(slot), shape, random ? Declared.normal(0.5) : Declared.ZEROS),
                new Declared(alpha(slot), shape, random ? one : Fits.ONES));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var theta = learned.get(theta(slot));
        Var alpha = learned.get(alpha(slot));
        Var direct =
                tape.auto(v -> part(v.getFirst(), 0).cos().times(part(v.get(1), 0)), theta, alpha);
        Var crossed =
                tape.auto(v -> part(v.getFirst(), 1).sin().times(part(v.get(1), 1)), theta, alpha);
        return Fits.after(tape, slot, new Pairs(direct, crossed, group), null);
    }

    /** The numbers that a (which = 0) or b (1) take, one for each feature. */
    private Tensor part(Tensor all, int which) {
        return switch (each) {
            case 1 -> Pairs.spread(all, group);
            case 2 -> all;
            default -> all.view(-1, 2, group).select(1, which).reshape(-1);
        };
    }

    /** The registry's line for RoAd. */
    public static final MethodKind KIND = new RoadKind();
}
