package dev.gyre.format;

import dev.gyre.config.NearMiss;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;

/** What this room says when a file is wrong. */
final class FormatErrors {
    private FormatErrors() {}

    static UserError unreadable(Path file, IOException e) {
        return new UserError("cannot read " + file + ": " + Reasons.of(e), e);
    }

    static UserError unwritable(Path file, IOException e) {
        String reason = Temporaries.named(Reasons.of(e));
        boolean full = reason.toLowerCase(Locale.ROOT).contains("no space left");
        return new UserError(
                "cannot write %s: %s. %s"
                        .formatted(
                                Temporaries.named(file.toString()),
                                reason,
                                full
                                        ? "Free some space or choose another folder; nothing was"
                                                + " left half-written."
                                        : "Nothing was left half-written."),
                e);
    }

    static UserError damaged(Path file, String format, String what) {
        return new UserError(
                "%s is not a whole %s file: %s. It may be cut off or damaged; fetch it again."
                        .formatted(file, format, what));
    }

    static UserError pickle(Path file) {
        return new UserError(
                file
                        + " is a Python pickle, which may run any code when it is read, so it is"
                        + " refused. Use the model's .safetensors files, or convert it with"
                        + " transformers (save_pretrained) on a machine you trust it on.");
    }

    static UserError missing(Path file, String name, Collection<String> names) {
        String hint =
                NearMiss.of(name, names)
                        .map(n -> "; did you mean \"" + n + "\"?")
                        .orElse(". It holds " + names.size() + " tensors.");
        return new UserError("%s has no tensor \"%s\"%s".formatted(file, name, hint));
    }
}
