package dev.gyre.cli;

import dev.gyre.Decoding;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

import java.util.Optional;

/**
 * The flags of every command that asks a model: what stands around a question, and how it answers.
 */
final class Asking {
    @Option(
            names = "--system",
            paramLabel = "TEXT",
            description = "System text [the template's own].")
    private Optional<String> system = Optional.empty();

    @Option(
            names = "--template",
            paramLabel = "auto|none|FILE",
            description = "Chat template; none: the prompt as it is [auto].")
    private String template = "auto";

    /** Adds a flag for each key of {@link Decoding}. */
    static void extend(CommandSpec spec) {
        KeyFlags.add(spec, Decoding.class);
    }

    static Decoding decoding(CommandSpec spec) {
        return KeyFlags.read(spec, Decoding.class);
    }

    Optional<String> system() {
        return system;
    }

    /** {@code auto}, {@code none} or a jinja file. */
    String template() {
        return template;
    }

    /** Whether prompts go to the model as they are. */
    boolean bare() {
        return template.equals("none");
    }
}
