package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.config.UserError;
import dev.gyre.linear.Entries;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Sparse high-rank adaptation (SHiRA, arXiv 2406.13175): y = x·(W + S)ᵀ + bias, S zero but for
 * r·(in + out) learned entries, as many as LoRA of rank r has. Starts at S = 0.
 *
 * @param rank r
 * @param mask how the places are chosen
 * @param skip how many times as many of the best places are left to other adapters
 * @param examples seen before the first step where a mask needs gradients
 * @param seed of random places, PyTorch's generator; {@link #UNSEEDED} is the state of one that was
 *     given none, which is what PEFT uses then
 * @param random start at N(0, 1), for tests
 */
public record Shira(int rank, Mask mask, int skip, int examples, long seed, boolean random)
        implements Method.PerSlot {
    /** PyTorch's state of a generator without a seed. */
    public static final long UNSEEDED = 67280421310721L;

    /** Where the entries lie. */
    public enum Mask {
        /** Anywhere. */
        RANDOM("random"),
        /** Where the weight is largest in size. */
        WEIGHT("wm"),
        /** On the diagonal and in rows at equal distances. */
        STRUCT("struct"),
        /** Where the loss's gradient is largest in size. */
        GRADIENT("grad"),
        /** Where weight times gradient is largest in size (SNIP, arXiv 1810.02340). */
        SNIP("snip");

        /** The paper's word for it; of these PEFT itself makes random masks alone. */
        final String word;

        Mask(String word) {
            this.word = word;
        }

        boolean needsGradients() {
            return this == GRADIENT || this == SNIP;
        }
    }

    public Shira {
        if (skip > 0 && mask == Mask.STRUCT)
            throw new UserError("method shira: skip has no meaning with mask = struct");
    }

    @Override
    public String name() {
        return "shira";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private static String values(Slot slot) {
        return slot.name() + ".shira_weight";
    }

    private static String places(Slot slot) {
        return slot.name() + ".shira_indices";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        long k = rank * (slot.in() + slot.out());
        Fits.atMost(name(), "rank: entries", (skip + 1L) * k, slot.in() * slot.out(), slot);
        return List.of(
                new Declared(
                        values(slot), new long[] {k}, random ? Declared.normal(1) : Declared.ZEROS),
                Declared.kept(places(slot), new long[] {2, k}, (r, s) -> chosen(slot, (int) s[1])));
    }

    private Tensor chosen(Slot slot, int k) {
        int n = Math.toIntExact(slot.in());
        int all = Math.multiplyExact(n, Math.toIntExact(slot.out()));
        return switch (mask) {
            // Until gradients are there, places anywhere stand for the best ones.
            case RANDOM, GRADIENT, SNIP -> best(randomly(all), k, n);
            case WEIGHT -> byScore(slot.weight().dense(), k);
            case STRUCT -> best(regularly(n, (int) slot.out(), k), k, n);
        };
    }

    /** The rows and columns of k of these places, row by row: [2, k]. */
    private Tensor best(int[] places, int k, int in) {
        int[] sorted = Arrays.copyOfRange(places, skip * k, (skip + 1) * k);
        Arrays.sort(sorted);
        float[] out = new float[2 * k];
        for (int i = 0; i < k; i++) {
            long row = sorted[i] / in;
            out[i] = row;
            out[k + i] = (float) (sorted[i] % in);
        }
        return Tensor.of(out, 2, k);
    }

    /** The best places by the size of a score, [out, in]. */
    Tensor byScore(Tensor score, int k) {
        int[] order;
        try (var _ = Scope.open()) {
            order = score.abs().reshape(-1).argsort(0, true).toInts();
        }
        return best(order, k, (int) score.size(1));
    }

    @Override
    public int calibrationExamples() {
        return mask.needsGradients() ? examples : 0;
    }

    @Override
    public void calibrate(Slot slot, Tensor gradient, Learned learned) {
        Tensor score = mask == Mask.SNIP ? slot.weight().dense().times(gradient) : gradient;
        Tensor places = learned.get(places(slot)).value();
        places.copyFrom(byScore(score, (int) places.size(1)));
    }

    private int[] randomly(int all) {
        try (var generator = Random.seeded(seed)) {
            return generator.permutation(all);
        }
    }

    /** The diagonal, then rows at equal distances, as many as there is room for. */
    private static int[] regularly(int in, int out, int k) {
        var taken = new BitSet(in * out);
        for (int i = 0; i < Math.min(Math.min(in, out), k); i++) taken.set(i * in + i);
        int rows = Math.max(1, (k - taken.cardinality()) / in);
        // Rows 0, f, 2f, …; what is left of the budget goes to the rows after them.
        int apart = Math.max(1, out / rows);
        int left = k - taken.cardinality();
        for (int shift = 0; shift < apart && left > 0; shift++) {
            for (int row = shift; row < out && left > 0; row += apart) {
                for (int at = row * in; at < (row + 1) * in && left > 0; at++) {
                    if (taken.get(at)) continue;
                    taken.set(at);
                    left--;
                }
            }
        }
        return taken.stream().toArray();
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Tensor places;
        try (var here = Scope.open()) {
            Tensor both = learned.get(places(slot)).value().to(DType.F64);
            Tensor flat = both.select(0, 0).times(slot.in()).plusInPlace(both.select(0, 1));
            places = here.give(flat.to(DType.I64));
        }
        return Effect.beside(new Entries(learned.get(values(slot)), places, slot.out(), slot.in()));
    }

    /** The registry's line for SHiRA. */
    public static final MethodKind KIND = new ShiraKind();
}
