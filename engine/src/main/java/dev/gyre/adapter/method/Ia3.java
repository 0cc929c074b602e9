package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Targets;
import dev.gyre.linear.Diagonal;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;

import java.util.List;
import java.util.regex.Pattern;

/**
 * (IA)³ (arXiv 2205.05638): one learned vector l a slot. It scales the slot's output, y = l ⊙ (x·Wᵀ
 * + bias), or at some slots (the paper's feed-forward layers) its input, y = (l ⊙ x)·Wᵀ + bias.
 * Starts at l = 1.
 *
 * @param inputs modules whose inputs are scaled: names match the end of a path, as in PEFT without
 *     a dot before; a regular expression the whole path
 * @param random start at l ~ N(0, 1), for tests
 */
public record Ia3(Targets.Choice inputs, boolean random) implements Method.PerSlot {
    @Override
    public String name() {
        return "ia3";
    }

    @Override
    public double learningRate() {
        return 1e-2;
    }

    private boolean scalesInput(Slot slot) {
        return switch (inputs) {
            case Targets.Choice.AllLinear all -> true;
            case Targets.Choice.Regex(var pattern) -> Pattern.matches(pattern, slot.name());
            case Targets.Choice.Names(var names) ->
                    names.stream().anyMatch(n -> slot.name().endsWith(n));
        };
    }

    private static String key(Slot slot) {
        return slot.name() + ".ia3_l";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        long[] shape = scalesInput(slot) ? new long[] {1, slot.in()} : new long[] {slot.out(), 1};
        return List.of(new Declared(key(slot), shape, random ? Declared.normal(1) : Fits.ONES));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        var map = new Diagonal(learned.get(key(slot)));
        return scalesInput(slot) ? Effect.before(map) : Fits.after(tape, slot, map, null);
    }

    /** The registry's line for IA3. */
    public static final MethodKind KIND = new Ia3Kind();
}
