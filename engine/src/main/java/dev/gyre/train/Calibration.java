package dev.gyre.train;

import dev.gyre.adapter.WeightGradients;
import dev.gyre.data.Encoded;
import dev.gyre.linear.Probe;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Gradients of the mean loss over calibration examples at the base's weights. A group of slots is
 * probed in one pass over the examples, so that few gradients of a weight's size exist at a time.
 *
 * @param passes examples of each forward pass
 */
record Calibration(Model model, List<List<Encoded>> passes) implements WeightGradients {
    /** Numbers of gradients held at once: 256 MiB of f32. */
    private static final long HELD = 64 << 20;

    @Override
    public void each(List<Slot> slots, BiConsumer<Slot, Tensor> use) {
        int from = 0;
        while (from < slots.size()) {
            int to = from;
            long held = 0;
            while (to < slots.size() && (to == from || held + size(slots.get(to)) <= HELD))
                held += size(slots.get(to++));
            group(slots.subList(from, to), use);
            from = to;
        }
    }

    private static long size(Slot slot) {
        return slot.weight().out() * slot.weight().in();
    }

    private void group(List<Slot> slots, BiConsumer<Slot, Tensor> use) {
        try (var here = Scope.open()) {
            var probes = new LinkedHashMap<Slot, Var>();
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                Var probe = probe(slot, here);
                probes.put(slot, probe);
                effects.put(slot.name(), Effect.beside(new Probe(probe)));
            }
            var adapter = new Effects(effects, Map.of());
            long learned =
                    passes.stream().flatMap(List::stream).mapToLong(Trainer::learnedTokens).sum();
            for (List<Encoded> some : passes) pass(some, adapter, 1.0 / learned);
            probes.forEach(
                    (slot, probe) -> {
                        try (var _ = Scope.open()) {
                            use.accept(slot, probe.gradientBuffer());
                        }
                    });
        }
    }

    private static Var probe(Slot slot, Scope home) {
        Tensor zero = Tensor.zeros(DType.F32, 1, 1);
        return Var.leaf(zero.expand(slot.weight().out(), slot.weight().in()), home);
    }

    private void pass(List<Encoded> examples, Effects adapter, double weight) {
        try (var _ = Scope.open();
                var tape = Tape.recordingWithoutDropout()) {
            Var loss =
                    model.loss(
                            tape,
                            Trainer.tokens(examples, adapter),
                            Trainer.labels(examples),
                            weight);
            tape.backward(loss);
        }
    }
}
