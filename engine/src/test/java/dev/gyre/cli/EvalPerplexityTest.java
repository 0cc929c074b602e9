package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** {@code eval perplexity} with a real model, on a text that is longer than the model's context. */
class EvalPerplexityTest {
    private static final String MODEL = "src/test/resources/golden/pico-llama/own-head";

    @Test
    void everyTokenOfALongTextIsScoredOnce(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("text"), "Grüße, 東京! ".repeat(40));
        var run =
                CommandLineRun.real(
                        "eval",
                        "perplexity",
                        "--base",
                        MODEL,
                        "--text",
                        file.toString(),
                        "--stride",
                        "60",
                        "--per-token",
                        "--json");
        assertThat(run.err()).isEmpty();
        assertThat(run.lines()).hasSize(1);
        Tree result = Json.read(run.out(), "stdout");
        assertThat(result.entries().keySet())
                .containsExactly("documents", "tokens", "nll", "perplexity");
        Tree document = result.need("documents").items().getFirst();
        assertThat(document.entries().keySet()).containsExactly("ids", "logprobs");
        List<Tree> logprobs = document.need("logprobs").items();
        assertThat(document.need("ids").items()).hasSameSizeAs(logprobs).hasSizeGreaterThan(300);
        assertThat(logprobs.getFirst().isNull()).isTrue();
        double sum = logprobs.stream().skip(1).mapToDouble(Tree::real).sum();
        assertThat(result.need("nll").real()).isCloseTo(-sum, within(1e-6));
        assertThat(result.need("tokens").wholeInt()).isEqualTo(logprobs.size() - 1);
        assertThat(result.need("perplexity").real())
                .isCloseTo(Math.exp(-sum / (logprobs.size() - 1)), within(1e-6));
    }
}
