package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Spectral;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Var;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * FourierFT (arXiv 2405.03003): y = x·(W + ΔW)ᵀ + bias, ΔW = s·Re(ifft2(F)), F zero but for k learned
 * numbers at random places, which follow from the seed and the shape and are not kept in files.
 *
 * @param frequencies k
 * @param scale s
 * @param seed of the places, PyTorch's generator
 * @param frequencyPattern k by the end of a module's path, a name or a regular expression
 * @param random start at N(0, 1), which is PEFT's default and changes the base; else at 0
 */
public record FourierFt(
        int frequencies,
        double scale,
        long seed,
        Map<String, Double> frequencyPattern,
        boolean random)
        implements Method.PerSlot {
    @Override
    public String name() {
        return "fourierft";
    }

    @Override
    public double learningRate() {
        return 5e-2;
    }

    private static String key(Slot slot) {
        return slot.name() + ".fourierft_spectrum";
    }

    private int frequencies(Slot slot) {
        return Lora.pattern(frequencyPattern, slot).map(Double::intValue).orElse(frequencies);
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        int k = frequencies(slot);
        Fits.atMost(name(), "frequencies", k, slot.in() * slot.out(), slot);
        return List.of(
                new Declared(
                        key(slot), new long[] {k}, random ? Declared.normal(1) : Declared.ZEROS));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var values = learned.get(key(slot));
        int in = Math.toIntExact(slot.in());
        int out = Math.toIntExact(slot.out());
        int[] places = places(Math.multiplyExact(in, out), frequencies(slot));
        int[] u = Arrays.stream(places).map(p -> p / in).toArray();
        int[] v = Arrays.stream(places).map(p -> p % in).toArray();
        return Effect.beside(
                new Spectral(
                        values,
                        Spectral.Waves.of(out, u, values.value()),
                        Spectral.Waves.of(in, v, values.value()),
                        scale));
    }

    /** The first k numbers of a random order of all places, as PEFT draws them. */
    private int[] places(int all, int k) {
        try (var generator = Random.seeded(seed)) {
            return Arrays.copyOf(generator.permutation(all), k);
        }
    }

    /** The registry's line for FourierFT. */
    public static final MethodKind KIND = new FourierFtKind();
}
