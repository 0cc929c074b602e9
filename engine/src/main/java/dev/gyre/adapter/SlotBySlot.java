package dev.gyre.adapter;

import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A per-slot method on several slots. */
record SlotBySlot(Method.PerSlot method, List<Slot> slots) implements Method.Attachment {
    @Override
    public List<Declared> parameters() {
        return slots.stream().flatMap(s -> method.parameters(s).stream()).toList();
    }

    @Override
    public Effects effects(Tape tape, Learned learned) {
        var effects = new LinkedHashMap<String, Effect>();
        for (Slot slot : slots) effects.put(slot.name(), method.effect(tape, slot, learned));
        return new Effects(effects, Map.of());
    }

    @Override
    public int calibrationExamples() {
        return method.calibrationExamples();
    }

    @Override
    public void calibrate(CalibrationData data, Learned learned) {
        data.gradients(slots, (slot, gradient) -> method.calibrate(slot, gradient, learned));
    }

    @Override
    public void gradientsReady(Learned learned) {
        for (Slot slot : slots) {
            try (var _ = Scope.open()) {
                method.gradientsReady(slot, learned);
            }
        }
    }

    @Override
    public void updated(Learned learned) {
        for (Slot slot : slots) method.updated(slot, learned);
    }
}
