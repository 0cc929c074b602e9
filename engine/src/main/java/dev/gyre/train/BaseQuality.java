package dev.gyre.train;

import dev.gyre.data.Encoded;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What an encoding of the base's weights costs, before anything is trained on it. */
public final class BaseQuality {
    /** Examples whose loss is looked at. */
    private static final int EXAMPLES = 8;

    /** Rows of a weight that are compared at a time. */
    private static final long PANEL = 4096;

    private BaseQuality() {}

    /**
     * Compares an encoded model with the same one as its files have it.
     *
     * @param examples some of the training examples, the first ones are taken
     */
    public static TrainEvent.BaseEncoded of(
            String encoding, Model encoded, Model stored, List<Encoded> examples) {
        Map<String, Double> drift = new LinkedHashMap<>();
        List<Slot> theirs = stored.slots();
        for (int i = 0; i < theirs.size(); i++) {
            Slot slot = encoded.slots().get(i);
            if (slot.kind() != Slot.Kind.EMBEDDING)
                drift.put(slot.name(), drift(slot.weight(), theirs.get(i).weight()));
        }
        List<Encoded> few = examples.subList(0, Math.min(EXAMPLES, examples.size()));
        return new TrainEvent.BaseEncoded(encoding, loss(encoded, few), loss(stored, few), drift);
    }

    /** |Ŵ − W| / |W|, Frobenius. */
    private static double drift(Weight encoded, Weight stored) {
        double off = 0;
        double all = 0;
        for (long from = 0; from < stored.out(); from += PANEL) {
            long rows = Math.min(PANEL, stored.out() - from);
            try (var _ = Scope.open()) {
                var w = stored.panel(from, rows);
                off += square(encoded.panel(from, rows).minus(w).norm().item());
                all += square(w.norm().item());
            }
        }
        return all == 0 ? 0 : Math.sqrt(off / all);
    }

    private static double square(double x) {
        return x * x;
    }

    private static double loss(Model model, List<Encoded> examples) {
        long learned = examples.stream().mapToLong(Trainer::learnedTokens).sum();
        try (var _ = Scope.open();
                var off = Tape.off()) {
            return model.loss(
                                    off,
                                    Trainer.tokens(examples, Effects.NONE),
                                    Trainer.labels(examples),
                                    1)
                            .value()
                            .item()
                    / learned;
        }
    }
}
