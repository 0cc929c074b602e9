package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
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
 * @param seed of random places, PyTorch's generator; {@link #UNSEEDED} is the state of one that was
 *     given none, which is what PEFT uses then
 * @param random start at N(0, 1), for tests
 */
public record Shira(int rank, Mask mask, long seed, boolean random) implements Method.PerSlot {
    /** PyTorch's state of a generator without a seed. */
    public static final long UNSEEDED = 67280421310721L;

    /** Where the entries lie. */
    public enum Mask {
        /** Anywhere. */
        RANDOM,
        /** Where the weight is largest in size. */
        WEIGHT,
        /** On the diagonal and in rows at equal distances. */
        STRUCT
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
        Fits.atMost(name(), "rank: entries", k, slot.in() * slot.out(), slot);
        return List.of(
                new Declared(
                        values(slot), new long[] {k}, random ? Declared.normal(1) : Declared.ZEROS),
                Declared.kept(places(slot), new long[] {2, k}, (r, s) -> chosen(slot, (int) s[1])));
    }

    /** The rows and columns of k places, row by row: [2, k]. */
    private Tensor chosen(Slot slot, int k) {
        int n = Math.toIntExact(slot.in());
        int all = Math.multiplyExact(n, Math.toIntExact(slot.out()));
        int[] places =
                switch (mask) {
                    case RANDOM -> randomly(all);
                    case WEIGHT -> byWeight(slot);
                    case STRUCT -> regularly(n, (int) slot.out(), k);
                };
        int[] sorted = Arrays.copyOf(places, k);
        Arrays.sort(sorted);
        float[] out = new float[2 * k];
        for (int i = 0; i < k; i++) {
            long row = sorted[i] / n;
            out[i] = row;
            out[k + i] = (float) (sorted[i] % n);
        }
        return Tensor.of(out, 2, k);
    }

    private int[] randomly(int all) {
        try (var generator = Random.seeded(seed)) {
            return generator.permutation(all);
        }
    }

    private static int[] byWeight(Slot slot) {
        try (var _ = Scope.open()) {
            return slot.weight().dense().abs().view(-1).argsort(0, true).toInts();
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
