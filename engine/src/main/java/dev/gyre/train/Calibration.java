package dev.gyre.train;

import dev.gyre.adapter.CalibrationData;
import dev.gyre.data.Encoded;
import dev.gyre.linear.LinearMap;
import dev.gyre.linear.Moments;
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
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * What calibration examples show at the base's weights. A group of slots is probed in one pass over
 * the examples, so that few matrices of a weight's size exist at a time.
 *
 * @param passes examples of each forward pass
 */
record Calibration(Model model, List<List<Encoded>> passes) implements CalibrationData {
    /** Numbers held at once: 256 MiB of f32. */
    private static final long HELD = 64 << 20;

    @Override
    public void gradients(List<Slot> slots, BiConsumer<Slot, Tensor> use) {
        inGroups(slots, s -> s.weight().out() * s.weight().in(), some -> gradientsOf(some, use));
    }

    @Override
    public void inputs(List<Slot> slots, BiConsumer<Slot, Tensor> use) {
        inGroups(slots, s -> s.weight().in() * s.weight().in(), some -> inputsOf(some, use));
    }

    private static void inGroups(
            List<Slot> slots, ToLongFunction<Slot> size, Consumer<List<Slot>> group) {
        int from = 0;
        while (from < slots.size()) {
            int to = from;
            long held = 0;
            while (to < slots.size()
                    && (to == from || held + size.applyAsLong(slots.get(to)) <= HELD))
                held += size.applyAsLong(slots.get(to++));
            group.accept(slots.subList(from, to));
            from = to;
        }
    }

    private void gradientsOf(List<Slot> slots, BiConsumer<Slot, Tensor> use) {
        try (var here = Scope.open()) {
            var probes = new LinkedHashMap<Slot, Var>();
            for (Slot slot : slots) probes.put(slot, probe(slot, here));
            var adapter = beside(slots, slot -> new Probe(get(probes, slot)));
            long learned =
                    passes.stream().flatMap(List::stream).mapToLong(Trainer::learnedTokens).sum();
            for (List<Encoded> some : passes) pass(some, adapter, 1.0 / learned);
            probes.forEach((slot, probe) -> hand(slot, probe.gradientBuffer(), use));
        }
    }

    private void inputsOf(List<Slot> slots, BiConsumer<Slot, Tensor> use) {
        try (var _ = Scope.open();
                var off = Tape.off()) {
            var sums = new LinkedHashMap<Slot, Tensor>();
            for (Slot slot : slots)
                sums.put(slot, Tensor.zeros(DType.F32, slot.weight().in(), slot.weight().in()));
            var adapter = beside(slots, slot -> new Moments(get(sums, slot), slot.weight().out()));
            for (List<Encoded> some : passes) {
                try (var _ = Scope.open()) {
                    model.hidden(off, Trainer.tokens(some, adapter), List.of());
                }
            }
            sums.forEach((slot, sum) -> hand(slot, sum, use));
        }
    }

    private static <T> T get(Map<Slot, T> of, Slot slot) {
        return Objects.requireNonNull(of.get(slot));
    }

    private static Effects beside(List<Slot> slots, Function<Slot, LinearMap> map) {
        var effects = new LinkedHashMap<String, Effect>();
        for (Slot slot : slots) effects.put(slot.name(), Effect.beside(map.apply(slot)));
        return new Effects(effects, Map.of());
    }

    private static void hand(Slot slot, Tensor matrix, BiConsumer<Slot, Tensor> use) {
        try (var _ = Scope.open()) {
            use.accept(slot, matrix);
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
