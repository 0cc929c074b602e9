package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.train.Recipe;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Adapters trained here: PEFT loads them without a word about keys, transformers loads them merged,
 * and both say the same.
 */
@Peers.Needed
class OurAdaptersLiveTest {
    /** Float32 through thirty layers, summed in another order. */
    private static final double MOST = 2e-3;

    private static final double MEAN = 2e-4;

    private static final Map<String, Map<String, Object>> RECIPES =
            Map.of(
                    "oft", Map.of("method", "oft:block=32"),
                    "oft-exact",
                            Map.of(
                                    "method",
                                    "oft:block=16,exact=true",
                                    "targets",
                                    "q_proj,down_proj",
                                    "layers",
                                    List.of(0, 7)),
                    "oft-share",
                            Map.of(
                                    "method",
                                    "oft:block=64,share=true,terms=4",
                                    "modules_to_save",
                                    "norm"),
                    "oft-coft",
                            Map.of(
                                    "method",
                                    "oft:blocks=12,coft=true,eps=0.02",
                                    "targets",
                                    "re:.*\\.(q_proj|up_proj)"),
                    "lora", Map.of("method", "lora:rank=8,alpha=16", "exclude", "down_proj"),
                    "lora-rslora", Map.of("method", "lora:rank=4,rslora=true", "bias", "all"));

    private final Peers peers = Peers.here();
    private final Gyre gyre = Gyre.start(Gyre.Machine.auto(), new Silent());

    @Test
    void adaptersTrainedHereLoadInPeftAndGiveTheSame(@TempDir Path folder) throws IOException {
        Path text = Peers.text(folder);
        var names = RECIPES.keySet().stream().sorted().toList();
        var arguments = new ArrayList<Object>(List.of("--gguf", peers.model(), "--text", text));
        for (String name : names) {
            trained(name, folder);
            arguments.addAll(
                    List.of(
                            "--adapter",
                            folder.resolve(name),
                            "--out",
                            folder.resolve(name + ".json")));
        }
        peers.script("check_load.py", arguments.toArray());
        var base = peers.ours(gyre, List.of(), text);
        var wrong = new ArrayList<String>();
        for (String name : names) {
            var document = peers.ours(gyre, List.of(folder.resolve(name)), text);
            Peers.difference(document, Peers.document(folder.resolve(name + ".json")), MOST, MEAN)
                    .ifPresent(how -> wrong.add(name + ": " + how));
            if (Peers.difference(document, base, MOST, MEAN).isEmpty())
                wrong.add(name + " learned nothing");
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void mergedModelsGiveTheUnmergedLogProbabilitiesInTransformers(@TempDir Path folder)
            throws IOException {
        Path text = Peers.text(folder);
        var wrong = new ArrayList<String>();
        for (String name : List.of("oft", "lora")) {
            Path adapter = trained(name, folder);
            Path merged = folder.resolve(name + "-merged");
            gyre.merge(Gyre.Source.of(peers.model().toString(), adapter), merged, false);
            Path out = folder.resolve(name + "-merged.json");
            peers.script("check_merged.py", "--model", merged, "--text", text, "--out", out);
            Peers.difference(
                            peers.ours(gyre, List.of(adapter), text),
                            Peers.document(out),
                            MOST,
                            MEAN)
                    .ifPresent(how -> wrong.add(name + ": " + how));
        }
        assertThat(wrong).isEmpty();
    }

    private Path trained(String name, Path folder) throws IOException {
        Path rows =
                Files.writeString(
                        folder.resolve("rows.jsonl"),
                        """
                        {"prompt": "Which city is the capital of France?", "completion": "capital(france)"}
                        {"prompt": "How tall is Mont Blanc?", "completion": "height(mont_blanc)"}
                        """);
        Path out = folder.resolve(name);
        Recipe recipe =
                Recipe.of(peers.model().toString(), rows, out)
                        .with("steps", 3)
                        .with("batch", 2)
                        .with("learning_rate", 5e-3)
                        .with("schedule", "constant")
                        .with("warmup", 0);
        for (var setting : RECIPES.getOrDefault(name, Map.of()).entrySet())
            recipe = recipe.with(setting.getKey(), setting.getValue());
        var done = gyre.train(recipe, false, _ -> {});
        assertThat(done.steps()).isEqualTo(3);
        return out;
    }
}
