package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.train.Recipe;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** GGUF files made here, run by llama.cpp: the same greedy answers there as here. */
@Peers.Needed
class LlamaCppLiveTest {
    private static final int TOKENS = 24;

    private static final List<String> PROMPTS =
            List.of(
                    "Which city is the capital of France?",
                    "How tall is Mont Blanc?",
                    "What is tea?",
                    "Write one sentence about the sea.",
                    "Give three words for winter.",
                    "Why do people like chess?");

    private final Peers peers = Peers.here();
    private final Gyre gyre = Gyre.start(Gyre.Machine.auto(), new Silent());

    @Test
    void aRotationMergedIntoF32AnswersInLlamaCppAsItDoesHereUnmerged(@TempDir Path folder)
            throws IOException {
        Path rows =
                Files.writeString(
                        folder.resolve("rows.jsonl"),
                        """
                        {"prompt": "Which city is the capital of France?", "completion": "capital(france)"}
                        {"prompt": "How tall is Mont Blanc?", "completion": "height(mont_blanc)"}
                        """);
        Path adapter = folder.resolve("oft");
        gyre.train(
                Recipe.of(peers.model().toString(), rows, adapter)
                        .with("method", "oft")
                        .with("steps", 4)
                        .with("batch", 2)
                        .with("learning_rate", 5e-3),
                false,
                _ -> {});
        var source = Gyre.Source.of(peers.model().toString(), adapter);
        Path merged = folder.resolve("merged.gguf");
        gyre.encode(source, new Gyre.Encoding("f32", merged, false, 1e-3), _ -> {});
        assertThat(llamaCpps(merged, folder)).isEqualTo(ours(source));
    }

    private List<String> ours(Gyre.Source source) {
        String[] answers = new String[PROMPTS.size()];
        try (var model = gyre.open(source)) {
            model.generate(
                    PROMPTS.stream().map(p -> (Prompt) Prompt.Chat.ask(p)).toList(),
                    Decoding.greedy(TOKENS),
                    piece -> {
                        if (piece instanceof Piece.Done done) answers[done.index()] = done.text();
                    });
        }
        return List.of(answers);
    }

    private List<String> llamaCpps(Path model, Path folder) throws IOException {
        Path prompts = Files.write(folder.resolve("prompts.txt"), PROMPTS);
        String said =
                peers.script(
                        "llama_cpp.py", "--model", model, "--prompts", prompts, "--tokens", TOKENS);
        String last = said.strip().lines().toList().getLast();
        return Json.read(last, "llama.cpp's answers").items().stream().map(Tree::text).toList();
    }
}
