package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Columns;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Partial connection adaptation (PaCA, arXiv 2503.01905): r randomly chosen columns of W learn.
 * What learns is p = W[:, idx]/s, with s = alpha/r as the reference has it, so that learning rates
 * mean the same; y = x·Wᵀ + bias + x[:, idx]·(s·p − W[:, idx])ᵀ. The base stays as it is, so that
 * an adapter can be taken off again.
 *
 * @param rank r, number of columns
 * @param alpha numerator of s
 * @param seed of the choice; slots of one layer and width choose alike
 */
public record Paca(int rank, double alpha, long seed) implements Method {
    @Override
    public String name() {
        return "paca";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private static String values(Slot slot) {
        return slot.name() + ".paca_w";
    }

    private static String features(Slot slot) {
        return slot.name() + ".paca_indices";
    }

    private double scale() {
        return alpha / rank;
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        slots.forEach(s -> Fits.linear(name(), s));
        slots.forEach(s -> Fits.atMost(name(), "rank", rank, s.in(), s));
        return new OnSlots(slots);
    }

    private final class OnSlots implements Attachment {
        private final List<Slot> slots;
        private final Scope home = Scope.detached();

        /** The base's own columns, read once. */
        private final Map<String, Tensor> bases = new HashMap<>();

        OnSlots(List<Slot> slots) {
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            var all = new ArrayList<Declared>();
            for (Slot slot : slots) {
                all.add(
                        new Declared(
                                values(slot),
                                new long[] {slot.out(), rank},
                                (r, s) -> base(slot, chosen(slot)).times(1 / scale())));
                all.add(Declared.kept(features(slot), new long[] {rank}, (r, s) -> chosen(slot)));
            }
            return all;
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                Tensor features = learned.get(features(slot)).value();
                Var columns = change(tape, learned.get(values(slot)), own(slot, features));
                effects.put(
                        slot.name(),
                        Effect.beside(new Columns(columns, features.to(DType.I64), slot.in())));
            }
            return new Effects(effects, Map.of());
        }

        /** Threads that build effects at once take turns. */
        private synchronized Tensor own(Slot slot, Tensor features) {
            return bases.computeIfAbsent(slot.name(), _ -> home.adopt(base(slot, features)));
        }

        @Override
        public void close() {
            home.close();
        }
    }

    /** s·p − W[:, idx], as a function of p. */
    private Var change(Tape tape, Var p, Tensor base) {
        Tensor change = p.value().times(scale()).minus(base);
        if (!tape.needs(p)) return Var.constant(change);
        return tape.record(change, g -> p.accumulate(g.times(scale())));
    }

    private Tensor chosen(Slot slot) {
        return Fits.firstOf(slot.in(), rank, seed + slot.layer().orElse(0));
    }

    /** W[:, idx], [out, r], from a weight in any encoding: what it makes of one-hot rows. */
    private static Tensor base(Slot slot, Tensor features) {
        try (var here = Scope.open()) {
            DType type = features.dtype();
            Tensor rows = Tensor.zeros(type, features.size(0), slot.in());
            Tensor where = features.to(DType.I64).unsqueeze(1);
            rows.scatterInPlace(1, where, Tensor.ones(type, features.size(0), 1));
            return here.give(slot.weight().times(rows).transpose(0, 1).contiguous());
        }
    }

    /** The registry's line for PaCA. */
    public static final MethodKind KIND = new PacaKind();
}
