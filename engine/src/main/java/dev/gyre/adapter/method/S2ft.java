package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Columns;
import dev.gyre.linear.Lines;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * Structured sparse fine-tuning (S²FT, arXiv 2412.06289): whole channels learn, the rest of every
 * weight is frozen. y = x·(W + D)ᵀ + bias with D zero but for some columns, at the slots that read
 * channels (a feed-forward's or an attention's output projection), or some rows, at those that
 * write them. The weights that write and read the same channels choose the same ones, because the
 * choice follows from the layer and the width. Starts at D = 0.
 *
 * @param channels how many of them, k
 * @param group channels that are chosen together, such as a head's; divides k and every width
 * @param reading names of the slots that read channels; names match the end of a path
 * @param seed of the choice
 */
public record S2ft(int channels, int group, List<String> reading, long seed)
        implements Method.PerSlot {
    @Override
    public String name() {
        return "s2ft";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private boolean reads(Slot slot) {
        return reading.stream().anyMatch(n -> slot.name().endsWith(n));
    }

    private static String values(Slot slot) {
        return slot.name() + ".s2ft_channels";
    }

    private static String features(Slot slot) {
        return slot.name() + ".s2ft_indices";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        long width = reads(slot) ? slot.in() : slot.out();
        Fits.atMost(name(), "channels", channels, width, slot);
        Fits.divides(name(), "group", group, width, slot);
        long[] shape =
                reads(slot) ? new long[] {slot.out(), channels} : new long[] {channels, slot.in()};
        return List.of(
                new Declared(values(slot), shape, Declared.ZEROS),
                Declared.kept(
                        features(slot), new long[] {channels}, (r, s) -> chosen(slot, width)));
    }

    private Tensor chosen(Slot slot, long width) {
        long drawn = seed + slot.layer().orElse(0);
        Tensor groups = Fits.firstOf(width / group, channels / group, drawn);
        Tensor within = Tensor.arange(group).to(DType.F32).unsqueeze(0);
        return groups.times(group).unsqueeze(1).plus(within).view(-1);
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var own = learned.get(values(slot));
        Tensor features = learned.get(features(slot)).value().to(DType.I64);
        return Effect.beside(
                reads(slot)
                        ? new Columns(own, features, slot.in())
                        : new Lines(own, features, slot.out()));
    }

    /** The registry's line for S²FT. */
    public static final MethodKind KIND = new S2ftKind();
}
