package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Spectral;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.Map;
import java.util.function.LongUnaryOperator;

/**
 * FourierFT (arXiv 2405.03003): y = x·(W + ΔW)ᵀ + bias, ΔW = s·Re(ifft2(F)), F zero but for k
 * learned numbers at random places, which follow from the seed and the shape and are not kept in
 * files.
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

    private static String rows(Slot slot) {
        return slot.name() + ".fourierft_rows";
    }

    private static String columns(Slot slot) {
        return slot.name() + ".fourierft_columns";
    }

    private int frequencies(Slot slot) {
        return Fits.pattern(frequencyPattern, slot).map(Double::intValue).orElse(frequencies);
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        int k = frequencies(slot);
        Fits.atMost(name(), "frequencies", k, slot.in() * slot.out(), slot);
        long[] shape = {k};
        int all = Math.toIntExact(slot.in() * slot.out());
        return List.of(
                new Declared(key(slot), shape, random ? Declared.normal(1) : Declared.ZEROS),
                Declared.derived(rows(slot), shape, (r, s) -> places(all, k, p -> p / slot.in())),
                Declared.derived(
                        columns(slot), shape, (r, s) -> places(all, k, p -> p % slot.in())));
    }

    /** Of the first k numbers of a random order of all places, as PEFT draws them. */
    private Tensor places(int all, int k, LongUnaryOperator side) {
        float[] out = new float[k];
        try (var generator = Random.seeded(seed)) {
            int[] order = generator.permutation(all);
            for (int i = 0; i < k; i++) out[i] = side.applyAsLong(order[i]);
        }
        return Tensor.of(out);
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var values = learned.get(key(slot));
        DType type = values.value().dtype();
        return Effect.beside(
                new Spectral(
                        values,
                        Spectral.Waves.of(slot.out(), learned.get(rows(slot)).value().to(type)),
                        Spectral.Waves.of(slot.in(), learned.get(columns(slot)).value().to(type)),
                        scale));
    }

    /** The registry's line for FourierFT. */
    public static final MethodKind KIND = new FourierFtKind();
}
