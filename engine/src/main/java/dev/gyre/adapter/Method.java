package dev.gyre.adapter;

import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;

import java.util.List;

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
    interface Attachment {
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

        /** Before a step's first forward pass; steps count from 1. */
        default void stepBegins(long step, Learned learned) {}

        /** When a step's gradients are complete, before they are clipped. */
        default void gradientsReady(Learned learned) {}

        /** After the optimiser changed the tensors, and once after they were loaded. */
        default void updated(Learned learned) {}
    }

    /** A method that acts on each slot alone. */
    interface PerSlot extends Method {
        /** What it learns at a slot; an error when its settings do not fit the slot. */
        List<Declared> parameters(Slot slot);

        /** What it does at a slot. */
        Effect effect(Tape tape, Slot slot, Learned learned);

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
