package dev.gyre.adapter;

import dev.gyre.model.Slot;
import dev.gyre.tensor.Tensor;

import java.util.List;
import java.util.function.BiConsumer;

/** The loss of the base over some examples, differentiated by its frozen weights. */
@FunctionalInterface
public interface WeightGradients {
    /**
     * Hands out the gradient [out, in] at each slot's weight, slot by slot. It is freed after the
     * call; as many are made at a time as memory allows.
     */
    void each(List<Slot> slots, BiConsumer<Slot, Tensor> use);
}
