package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The same rows in the same order: the losses of our training are PEFT's, step by step. */
@Peers.Needed
class TrainingLiveTest {
    /** Adam turns the rounding of small gradients into steps of full size. */
    private static final double MOST = 5e-3;

    private static final int ROWS = 64;
    private static final int BATCH = 4;

    private final Peers peers = Peers.here();

    @Test
    void sixteenStepsOfOftHavePeftsLosses(@TempDir Path folder) throws IOException {
        Path rows = rows(folder);
        String theirs =
                peers.script(
                        "train.py",
                        "--gguf",
                        peers.model(),
                        "--rows",
                        rows,
                        "--method",
                        "oft",
                        "--block",
                        32,
                        "--steps",
                        16,
                        "--batch",
                        BATCH,
                        "--lr",
                        3e-4);
        Recipe recipe = recipe(rows, folder, 16).with("method", "oft:block=32");
        assertThat(differences(recipe, theirs, 16)).isEmpty();
    }

    @Test
    void eightStepsOfLoraFromOneStartHavePeftsLosses(@TempDir Path folder) throws IOException {
        Path rows = rows(folder);
        Path start = folder.resolve("start");
        peers.script(
                "make_adapter.py",
                "--gguf",
                peers.model(),
                "--kind",
                "lora",
                "--scale",
                0,
                "--out",
                start,
                "--config",
                "{\"r\": 16, \"lora_alpha\": 32, \"target_modules\": \"all-linear\"}");
        String theirs =
                peers.script(
                        "train.py",
                        "--gguf",
                        peers.model(),
                        "--rows",
                        rows,
                        "--init",
                        start,
                        "--steps",
                        8,
                        "--batch",
                        BATCH,
                        "--lr",
                        3e-4);
        Recipe recipe =
                recipe(rows, folder, 8)
                        .with("method", "lora:rank=16,alpha=32")
                        .with("init", start.toString());
        assertThat(differences(recipe, theirs, 8)).isEmpty();
    }

    private Recipe recipe(Path rows, Path folder, int steps) {
        return Recipe.of(peers.model().toString(), rows, folder.resolve("ours"))
                .with("steps", steps)
                .with("batch", BATCH)
                .with("learning_rate", 3e-4)
                .with("schedule", "constant")
                .with("warmup", 0)
                .with("weight_decay", 0)
                .with("clip_norm", 0)
                .with("shuffle", false);
    }

    private static List<String> differences(Recipe recipe, String theirs, int steps) {
        var ours = new ArrayList<TrainEvent.Stepped>();
        Gyre.start(Gyre.Machine.auto(), new Silent())
                .train(
                        recipe,
                        false,
                        event -> {
                            if (event instanceof TrainEvent.Stepped step) ours.add(step);
                        });
        List<Tree> peft =
                theirs.lines()
                        .map(line -> Json.read(line, "train.py"))
                        .filter(event -> event.need("event").text().equals("step"))
                        .toList();
        assertThat(ours).hasSize(steps);
        assertThat(peft).hasSize(steps);
        var wrong = new ArrayList<String>();
        for (int i = 0; i < steps; i++) {
            double loss = peft.get(i).need("loss").real();
            long tokens = peft.get(i).need("learned_tokens").whole();
            if (ours.get(i).learnedTokens() != tokens
                    || !(Math.abs(ours.get(i).loss() - loss) <= MOST))
                wrong.add(
                        "step %d: loss %.5f over %d tokens, PEFT %.5f over %d"
                                .formatted(
                                        i + 1,
                                        ours.get(i).loss(),
                                        ours.get(i).learnedTokens(),
                                        loss,
                                        tokens));
        }
        return wrong;
    }

    /** Rows of unlike lengths, some over several lines, some not in English. */
    private static Path rows(Path folder) throws IOException {
        var lines = new StringBuilder();
        for (int i = 0; i < ROWS; i++) {
            String things = List.of("apples", "Äpfel", "pears, or 梨,").get(i % 3);
            String end = i % 5 == 0 ? "\n\nThat is all." : "!".repeat(i % 4);
            lines.append(
                            Json.write(
                                    Map.of(
                                            "prompt",
                                                    "How many "
                                                            + things
                                                            + " are "
                                                            + i
                                                            + " and "
                                                            + (i + 3)
                                                            + "?",
                                            "completion",
                                                    "There are "
                                                            + (2 * i + 3)
                                                            + " "
                                                            + things
                                                            + end)))
                    .append('\n');
        }
        return Files.writeString(folder.resolve("rows.jsonl"), lines);
    }
}
