package dev.gyre;

import java.util.List;

/** What a model is asked to go on from. */
public sealed interface Prompt {
    /** A conversation, rendered with the model's chat template. */
    record Chat(List<Turn> turns) implements Prompt {
        public Chat {
            turns = List.copyOf(turns);
        }

        /** One user turn; the template adds its own default system text. */
        public static Chat ask(String text) {
            return new Chat(List.of(new Turn("user", text)));
        }
    }

    /** Text as it is, without a template. */
    record Plain(String text) implements Prompt {}

    /** A turn: {@code system}, {@code user} or {@code assistant}, and what was said. */
    record Turn(String role, String text) {}
}
