package dev.gyre.adapter.method;

import dev.gyre.adapter.CalibrationData;
import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.config.UserError;
import dev.gyre.linear.Entries;
import dev.gyre.linear.Places;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

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
public record Shira(int rank, ShiraMask mask, int skip, int examples, long seed, boolean random)
        implements Method {
    /** PyTorch's state of a generator without a seed. */
    public static final long UNSEEDED = 67280421310721L;

    public Shira {
        if (skip > 0 && mask == ShiraMask.STRUCT)
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
    public Attachment attach(List<Slot> slots, Model model) {
        return new OnSlots(slots);
    }

    private final class OnSlots implements Attachment {
        private final List<Slot> slots;

        /** Found once: they stay where they are, once chosen or read. */
        private final Map<Slot, Places> found = new ConcurrentHashMap<>();

        OnSlots(List<Slot> slots) {
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            return slots.stream().flatMap(s -> Shira.this.parameters(s).stream()).toList();
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                Places places = found.computeIfAbsent(slot, s -> read(s, learned));
                var entries = new Entries(learned.get(values(slot)), places);
                effects.put(slot.name(), Effect.beside(entries));
            }
            return new Effects(effects, Map.of());
        }

        @Override
        public int calibrationExamples() {
            return mask.needsGradients() ? examples : 0;
        }

        @Override
        public void calibrate(CalibrationData data, Learned learned) {
            found.clear();
            data.gradients(slots, (slot, gradient) -> choose(slot, gradient, learned));
        }
    }

    private static Places read(Slot slot, Learned learned) {
        return Fits.places("shira", slot, learned.get(places(slot)).value());
    }

    private List<Declared> parameters(Slot slot) {
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
            case STRUCT -> best(ShiraMask.regularly(n, (int) slot.out(), k), k, n);
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

    private void choose(Slot slot, Tensor gradient, Learned learned) {
        Tensor score = mask == ShiraMask.SNIP ? slot.weight().dense().times(gradient) : gradient;
        Tensor places = learned.get(places(slot)).value();
        places.copyFrom(byScore(score, (int) places.size(1)));
    }

    private int[] randomly(int all) {
        try (var generator = Random.seeded(seed)) {
            return generator.permutation(all);
        }
    }

    /** The registry's line for SHiRA. */
    public static final MethodKind KIND = new ShiraKind();
}
