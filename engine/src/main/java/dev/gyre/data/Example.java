package dev.gyre.data;

import dev.gyre.text.Message;

import java.util.List;

/** An example as it was written down. */
public sealed interface Example {
    /** File and line it came from. */
    String where();

    /** A conversation; its assistant turns are learned. */
    record Chat(List<Message> messages, String where) implements Example {
        public Chat {
            messages = List.copyOf(messages);
        }
    }

    /** A prompt and what should follow it. */
    record Completion(String prompt, String completion, String where) implements Example {}
}
