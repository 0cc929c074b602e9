package dev.gyre.model;

import dev.gyre.linear.LinearMap;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Var;

import org.jspecify.annotations.Nullable;

/**
 * What an adapter does at one slot. There are two kinds: four linear parts around the weight, or a
 * gated function.
 */
public sealed interface Effect {
    /**
     * y = after(W·before(x)) + beside(x) + bias. A part that is null does nothing.
     *
     * @param dropout share of x's entries that {@code beside} does not see in training, the rest
     *     scaled by 1/(1−dropout)
     */
    record Linear(
            @Nullable LinearMap before,
            @Nullable LinearMap after,
            @Nullable LinearMap beside,
            @Nullable Var bias,
            double dropout)
            implements Effect {}

    /**
     * A function of the slot's input and output that no weight can express.
     *
     * @param whyNotMerged the reason, for whoever asks to merge it
     */
    record Gated(Function function, String whyNotMerged) implements Effect {
        /** From a slot's input [N, in] and output [N, out] to the new output. */
        @FunctionalInterface
        public interface Function {
            Var apply(Tape tape, Var x, Var y);
        }
    }

    static Linear before(LinearMap map) {
        return new Linear(map, null, null, null, 0);
    }

    static Linear after(LinearMap map) {
        return new Linear(null, map, null, null, 0);
    }

    static Linear beside(LinearMap map) {
        return new Linear(null, null, map, null, 0);
    }
}
