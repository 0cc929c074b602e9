package dev.gyre.model;

import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Var;

/** What an adapter does at a {@link HookPoint}, where the model has no weight to merge it into. */
public sealed interface Hook {
    /** The reason, for whoever asks to merge it. */
    String whyNotMerged();

    /** Rows become others of the same shape. */
    record Mapped(Function function, String whyNotMerged) implements Hook {
        /** From rows [N, d] to rows [N, d]. */
        @FunctionalInterface
        public interface Function {
            Var apply(Tape tape, Var x);
        }
    }

    /**
     * Rows that go through the model before a sequence's own tokens, and take positions.
     *
     * @param rows their embeddings, [V, d]
     */
    record VirtualTokens(Var rows, String whyNotMerged) implements Hook {}

    /**
     * Keys and values that all tokens of a sequence see in one layer, before their own. They take
     * positions, so all layers have as many; keys are as rotary positions leave them.
     *
     * @param keys [V, Hkv·D]
     * @param values [V, Hkv·D]
     */
    record Prefix(Var keys, Var values, String whyNotMerged) implements Hook {
        int length() {
            return (int) keys.value().size(0);
        }
    }
}
