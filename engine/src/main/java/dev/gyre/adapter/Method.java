package dev.gyre.adapter;

import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import java.util.List;
import java.util.Map;

/**
 * A way to adapt a model: a record of settings and its mathematics. It attaches to a model's slots
 * together, because some methods share tensors between slots; most act on each slot alone and are a
 * {@link PerSlot}.
 */
public interface Method {
    /** The name in the registry. */
    String name();

    /** A learning rate that works for most tasks with AdamW. */
    double learningRate();

    /** The slots it acts on. @throws dev.gyre.config.UserError when there is none */
    default List<Slot> slots(Targets targets, Model model) {
        return targets.slots(model);
    }

    /** What the method is on these slots of a model. */
    Attachment attach(List<Slot> slots, Model model);

    /** The same for a method that acts on more than slots. */
    default Attachment attach(Targets targets, List<Slot> slots, Model model) {
        return attach(slots, model);
    }

    /** A method on the slots of one model. */
    interface Attachment extends AutoCloseable {
        /** What it learns, and what it needs beside that. */
        List<Declared> parameters();

        /** What it does to the model, as functions of what it has learned. */
        Effects effects(Tape tape, Learned learned);

        /** Paths of the modules that it acts on and that are no slots. */
        default List<String> places() {
            return List.of();
        }

        /** A factor on the learning rate of one tensor. */
        default double learningRateFactor(String name) {
            return 1;
        }

        /**
         * Whether a tensor moves by the learning rate times its gradient, as {@link
         * #gradientsClipped} leaves it, instead of by the optimiser's rule.
         */
        default boolean movesByGradient(String name) {
            return false;
        }

        /** How many examples a new adapter wants to see before the first step; 0 for none. */
        default int calibrationExamples() {
            return 0;
        }

        /** Makes a new adapter's start from what those examples say. */
        default void calibrate(CalibrationData data, Learned learned) {}

        /** Before a step's first forward pass; steps count from 1. */
        default void stepBegins(long step, Learned learned) {}

        /** When a step's gradients are complete, before they are clipped. */
        default void gradientsReady(Learned learned) {}

        /** When a step's gradients are clipped, before the tensors move. */
        default void gradientsClipped(Learned learned) {}

        /** After the optimiser changed the tensors, and once after they were loaded. */
        default void updated(Learned learned) {}

        /** Keys of the adapter's configuration that the base decides, not the method's settings. */
        default Map<String, Object> keysOfTheBase() {
            return Map.of();
        }

        /** Frees what it has kept between steps. */
        @Override
        default void close() {}
    }

    /** A method that acts on each slot alone. */
    interface PerSlot extends Method {
        /** What it learns at a slot; an error when its settings do not fit the slot. */
        List<Declared> parameters(Slot slot);

        /** What it does at a slot. */
        Effect effect(Tape tape, Slot slot, Learned learned);

        /** As {@link Attachment#calibrationExamples}. */
        default int calibrationExamples() {
            return 0;
        }

        /**
         * As {@link Attachment#calibrate}, for one slot.
         *
         * @param gradient at the slot's weight, [out, in]
         */
        default void calibrate(Slot slot, Tensor gradient, Learned learned) {}

        /** As {@link Attachment#gradientsReady}, for one slot. */
        default void gradientsReady(Slot slot, Learned learned) {}

        /** As {@link Attachment#updated}, for one slot. */
        default void updated(Slot slot, Learned learned) {}

        @Override
        default Attachment attach(List<Slot> slots, Model model) {
            return new SlotBySlot(this, slots);
        }
    }
}
