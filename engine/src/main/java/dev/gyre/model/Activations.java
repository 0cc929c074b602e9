package dev.gyre.model;

/** What the backward pass needs of the forward pass. */
public enum Activations {
    /** All of it is kept. */
    KEEP,
    /** All of it is kept in bf16; gradients feel the rounding, the loss of a step does not. */
    BF16,
    /** A block's input is kept, the rest computed again. */
    RECOMPUTE,
    /** Kept where that takes less than half of the memory that was free when the model opened. */
    AUTO;

    /**
     * Whether to compute again.
     *
     * @param kept bytes that all activations would take
     * @param free bytes of memory at the start
     */
    boolean again(double kept, double free) {
        return this == RECOMPUTE || this == AUTO && kept > free / 2;
    }
}
