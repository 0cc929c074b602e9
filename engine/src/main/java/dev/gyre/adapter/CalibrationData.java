package dev.gyre.adapter;

import dev.gyre.model.Slot;
import dev.gyre.tensor.Tensor;

import java.util.List;
import java.util.function.BiConsumer;

/**
 * What the base does on some examples, slot by slot. A matrix is freed after the call that takes
 * it; as many are made at a time as memory allows.
 */
public interface CalibrationData {
    /** Hands out the gradient [out, in] of the mean loss at each slot's frozen weight. */
    void gradients(List<Slot> slots, BiConsumer<Slot, Tensor> use);

    /** Hands out Σ xᵀ·x [in, in] over all rows x that come into each slot. */
    void inputs(List<Slot> slots, BiConsumer<Slot, Tensor> use);
}
