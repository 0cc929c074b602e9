package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.Gyre.Perplexity;
import dev.gyre.config.BadValue;
import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code gyre eval perplexity}. */
@Command(
        name = "perplexity",
        description = "How well a model foretells text files; each is one document, byte for byte.",
        sortOptions = false)
final class EvalPerplexity implements Commands.Runs {
    private final Shell shell;

    @Mixin private Opening opening = new Opening();
    @Mixin private Common common = new Common();

    @Option(
            names = "--text",
            paramLabel = "FILE",
            required = true,
            description = "Text file; repeats.")
    private List<Path> texts = List.of();

    @Option(
            names = "--stride",
            paramLabel = "N",
            description = "Tokens between windows, beyond the context [half the context].")
    private Optional<Integer> stride = Optional.empty();

    @Option(names = "--per-token", description = "With --json: ids and log-probabilities too.")
    private boolean perToken;

    @Option(names = "--json", description = "The result as one JSON object.")
    private boolean json;

    EvalPerplexity(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        if (stride.isPresent() && stride.get() < 1)
            throw BadValue.of("--stride", stride.get(), "a whole number from 1");
        if (perToken && !json) throw new UserError("--per-token needs --json");
        List<String> documents = texts.stream().map(EvalPerplexity::text).toList();
        try (Gyre.Loaded model = opening.start(common, shell).open(opening.source("none"))) {
            int context = model.contextTokens();
            if (stride.isPresent() && stride.get() >= context)
                throw BadValue.of("--stride", stride.get(), "below the context of " + context);
            Perplexity result =
                    model.perplexity(documents, stride.orElse(Math.max(1, context / 2)));
            if (result.tokens() == 0)
                throw new UserError(
                        "--text holds nothing to score: a text's first token has none before it,"
                                + " so it takes two");
            if (!Double.isFinite(result.nll()))
                throw new UserError(
                        "the model's log-probabilities are not numbers: its weights, or an"
                                + " adapter's, are damaged");
            print(result);
        }
        return Exit.DONE;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new UserError(file + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
    }

    private void print(Perplexity result) {
        if (!json) {
            shell.line(
                    Words.format(
                            "perplexity %.4f (%s tokens, nll %.4f)",
                            result.perplexity(), Words.count(result.tokens()), result.nll()));
            return;
        }
        Map<String, Object> row = new LinkedHashMap<>();
        if (perToken)
            row.put("documents", result.documents().stream().map(EvalPerplexity::row).toList());
        row.put("tokens", result.tokens());
        row.put("nll", result.nll());
        row.put("perplexity", result.perplexity());
        shell.line(Json.write(row));
    }

    private static Map<String, Object> row(Perplexity.Document document) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("ids", document.ids());
        row.put(
                "logprobs",
                Arrays.stream(document.logprobs())
                        .<@Nullable Double>mapToObj(p -> Double.isNaN(p) ? null : p)
                        .toList());
        return row;
    }
}
