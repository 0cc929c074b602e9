package dev.gyre.tensor;

/** A value that an operation needs in its backward pass: kept, rounded, or computed again there. */
@FunctionalInterface
public interface Saved {
    /** The value; to be called in the backward pass only. */
    Tensor get();
}
