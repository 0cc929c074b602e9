package dev.gyre;

import java.util.Locale;

/** Part of an answer. */
public sealed interface Piece {
    /** Which prompt it answers, from 0. */
    int index();

    /** Text that follows the text before it. */
    record Text(int index, String text) implements Piece {}

    /**
     * The answer is complete.
     *
     * @param text all of it, without what stopped it
     * @param tokens tokens that were generated
     */
    record Done(int index, String text, int tokens, Finish finish) implements Piece {}

    /** Why an answer ended. */
    enum Finish {
        /** The model ended its turn, or a stop text came. */
        STOP,
        /** {@code max_tokens} or the model's context is full. */
        LENGTH;

        /** As answers in JSON have it. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
