package dev.gyre;

import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.format.Gguf;
import dev.gyre.model.Families;
import dev.gyre.model.Loading;
import dev.gyre.model.Model;
import dev.gyre.tensor.Torch;
import dev.gyre.text.ChatTemplate;
import dev.gyre.text.Dialect;
import dev.gyre.text.Tokenizer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * A base model with its text.
 *
 * @param dialect the model's own tokenizer, template and ends
 * @param template how conversations are written here: the model's own way, another, or none
 */
record Base(Path place, Model model, Dialect dialect, Optional<ChatTemplate> template)
        implements AutoCloseable {
    /**
     * Opens a folder or a GGUF file.
     *
     * @param template {@code auto}, {@code none} or a jinja file
     * @throws UserError when a file is missing or broken, or libtorch cannot be loaded
     */
    static Base open(Path place, String template, Loading how) {
        Dialect dialect = Torch.whileLoading(() -> dialect(place));
        try {
            needLibtorch();
            Optional<ChatTemplate> chosen =
                    switch (template) {
                        case "auto" -> dialect.template();
                        case "none" -> Optional.empty();
                        default ->
                                Optional.of(fromFile(Path.of(template), dialect.specialTokens()));
                    };
            return new Base(place, Families.open(place, how), dialect, chosen);
        } catch (RuntimeException | Error e) {
            dialect.close();
            throw e;
        }
    }

    /**
     * Loads libtorch.
     *
     * @throws UserError when it cannot be loaded
     */
    static void needLibtorch() {
        Torch.obstacle()
                .ifPresent(
                        why -> {
                            throw new UserError(why);
                        });
    }

    /** What a model's files say of its text. */
    static Dialect dialect(Path place) {
        if (Files.isDirectory(place)) return Dialect.fromFolder(place);
        try (var arena = Arena.ofShared()) {
            return GgufText.dialect(Gguf.open(place, arena).metadata());
        }
    }

    private static ChatTemplate fromFile(Path file, Map<String, String> specialTokens) {
        try {
            return ChatTemplate.of(Files.readString(file), specialTokens);
        } catch (IOException e) {
            throw new UserError("cannot read the template " + file + ": " + Reasons.of(e), e);
        }
    }

    Tokenizer tokenizer() {
        return dialect.tokenizer();
    }

    @Override
    public void close() {
        model.close();
        dialect.close();
    }
}
