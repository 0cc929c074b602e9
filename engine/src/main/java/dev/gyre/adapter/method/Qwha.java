package dev.gyre.adapter.method;

import dev.gyre.adapter.CalibrationData;
import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.config.UserError;
import dev.gyre.linear.Entries;
import dev.gyre.linear.Hadamard;
import dev.gyre.linear.LinearMap;
import dev.gyre.linear.Places;
import dev.gyre.linear.Product;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Walsh–Hadamard adaptation of an encoded base (QWHA, arXiv 2509.17428): y = x·Qᵀ + bias +
 * κ·(x·Hᵀ)·Fᵀ, κ = scale/(in·√out), H of ±1 and F [out, in] zero but for r·(in + out) learned
 * entries, as many as LoRA of rank r has. Starts where F undoes most of what the encoding lost, as
 * {@link AdaAlloc} finds it: at first by the weights alone, then by the inputs that examples show.
 * Files keep the places, and name the base's encoding.
 *
 * @param rank r
 * @param scale numerator of κ
 * @param zero start at F = 0 with random places, on any base
 * @param examples seen before the first step; 0 to go by the weights alone
 * @param seed of random places
 * @param encodings of the base's weights; empty for whatever the base has
 */
public record Qwha(
        int rank, double scale, boolean zero, int examples, int seed, List<String> encodings)
        implements Method {
    @Override
    public String name() {
        return "qwha";
    }

    @Override
    public double learningRate() {
        return 5e-5;
    }

    private static String values(Slot slot) {
        return slot.name() + ".qwha_spectrum";
    }

    private static String indices(Slot slot) {
        return slot.name() + ".qwha_indices";
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        EncodedBase.check(name(), encodings, slots);
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
            var all = new ArrayList<Declared>();
            var orders = new TreeSet<Integer>();
            for (Slot slot : slots) {
                all.addAll(Qwha.this.parameters(slot));
                orders.addAll(Hadamard.factors(slot.in()));
            }
            for (int k : orders)
                all.add(
                        Declared.derived(
                                factor(k), new long[] {k, k}, (_, _) -> Hadamard.factor(k)));
            return all;
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                Var entries = learned.get(values(slot));
                Places where =
                        found.computeIfAbsent(
                                slot, s -> Fits.places("qwha", s, learned.get(indices(s)).value()));
                double kappa = scale / (slot.in() * Math.sqrt(slot.out()));
                var spectrum = new Entries(entries, where, kappa);
                effects.put(
                        slot.name(), Effect.beside(Product.of(transform(slot, learned), spectrum)));
            }
            return new Effects(effects, Map.of());
        }

        @Override
        public int calibrationExamples() {
            return zero ? 0 : examples;
        }

        @Override
        public void calibrate(CalibrationData data, Learned learned) {
            found.clear();
            data.inputs(
                    slots,
                    (slot, inputs) -> {
                        List<Tensor> start = start(slot, entries(slot), inputs);
                        learned.get(values(slot)).value().copyFrom(start.get(0));
                        learned.get(indices(slot)).value().copyFrom(start.get(1));
                    });
        }

        @Override
        public Map<String, Object> keysOfTheBase() {
            return zero ? Map.of() : Map.of(QwhaKind.ENCODING, EncodedBase.encodings(slots));
        }
    }

    /** Of the transform, shared by all slots. */
    private static String factor(int order) {
        return "qwha_hadamard_" + order;
    }

    private static LinearMap transform(Slot slot, Learned learned) {
        return Hadamard.of(
                Hadamard.factors(slot.in()).stream().map(k -> learned.get(factor(k))).toList());
    }

    private int entries(Slot slot) {
        long k = rank * (slot.in() + slot.out());
        Fits.atMost(name(), "rank: entries", k, slot.in() * slot.out(), slot);
        return Math.toIntExact(k);
    }

    private List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        if (!Hadamard.exists(slot.in()))
            throw new UserError(
                    "method qwha: there is no Walsh-Hadamard transform of the width %d of %s; leave it out of targets"
                            .formatted(slot.in(), slot.name()));
        int k = entries(slot);
        var start = new Decomposed(() -> zero ? atRandom(slot, k) : start(slot, k, null));
        return List.of(
                new Declared(values(slot), new long[] {k}, (_, _) -> start.get(0)),
                Declared.kept(indices(slot), new long[] {2, k}, (_, _) -> start.get(1)));
    }

    /** Values [k] and places [2, k] that undo most of what was lost. */
    private List<Tensor> start(Slot slot, int k, @Nullable Tensor inputs) {
        var best = new AdaAlloc(slot, EncodedBase.original(name(), slot), inputs).choose(k);
        float[] where = new float[2 * k];
        float[] values = new float[k];
        double unit = Math.sqrt(slot.out()) / scale;
        for (int i = 0; i < k; i++) {
            values[i] = (float) (best.values()[i] * unit);
            where[i] = best.rows()[i];
            where[k + i] = best.columns()[i];
        }
        return List.of(Tensor.of(values, k), Tensor.of(where, 2, k));
    }

    private List<Tensor> atRandom(Slot slot, int k) {
        int in = Math.toIntExact(slot.in());
        float[] where = new float[2 * k];
        try (var generator = Random.seeded(seed)) {
            int[] all = generator.permutation(Math.toIntExact(in * slot.out()));
            Arrays.sort(all, 0, k);
            for (int i = 0; i < k; i++) {
                int row = all[i] / in;
                where[i] = row;
                where[k + i] = all[i] % in;
            }
        }
        return List.of(Tensor.of(new float[k], k), Tensor.of(where, 2, k));
    }

    /** The registry's line for QWHA. */
    public static final MethodKind KIND = new QwhaKind();
}
