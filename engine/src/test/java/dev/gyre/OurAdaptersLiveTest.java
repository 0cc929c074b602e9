package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.train.Recipe;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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

    /** Settings off the defaults, on a few layers where a decomposition of weights takes long. */
    private static final Map<String, Map<String, Object>> RECIPES =
            Map.ofEntries(
                    recipe("oft", "oft:block=32"),
                    recipe(
                            "oft-exact",
                            "oft:block=16,exact=true",
                            "targets",
                            "q_proj,down_proj",
                            "layers",
                            List.of(0, 7)),
                    recipe(
                            "oft-share",
                            "oft:block=64,share=true,terms=4",
                            "modules_to_save",
                            "norm"),
                    recipe(
                            "oft-coft",
                            "oft:blocks=12,coft=true,eps=0.02",
                            "targets",
                            "re:.*\\.(q_proj|up_proj)"),
                    recipe("lora", "lora:rank=8,alpha=16", "exclude", "down_proj"),
                    recipe("lora-rslora", "lora:rank=4,rslora=true", "bias", "all"),
                    // More than one factor needs PEFT's CUDA extension there.
                    recipe("boft", "boft:block=16,factors=1", "targets", "q_proj,v_proj"),
                    recipe("hra", "hra:rank=6", "targets", "k_proj,down_proj"),
                    recipe("road", "road:group=32,variant=2"),
                    recipe("ia3", "ia3:inputs=down_proj", "targets", "k_proj,v_proj,down_proj"),
                    recipe("ia3-outputs", "ia3", "targets", "q_proj,v_proj"),
                    recipe("fourierft", "fourierft:frequencies=300", "targets", "q_proj,v_proj"),
                    recipe("shira", "shira:rank=4,seed=9", "targets", "q_proj,down_proj"),
                    recipe("ln_tuning", "ln_tuning", "targets", "input_layernorm,norm"),
                    recipe("dora", "dora:rank=6,rslora=true", "targets", "q_proj,up_proj"),
                    recipe("vera", "vera:rank=24,start=0.3,key=5", "targets", "v_proj,down_proj"),
                    recipe("randlora", "randlora:rank=40,alpha=80", "targets", "q_proj,v_proj"),
                    recipe("loha", "loha:rank=6", "targets", "o_proj,gate_proj"),
                    recipe("lokr", "lokr:rank=6,factor=4", "targets", "q_proj,down_proj"),
                    recipe(
                            "pissa",
                            "pissa:rank=6,rslora=true",
                            "targets",
                            "q_proj,v_proj",
                            "layers",
                            List.of(2, 29)),
                    recipe(
                            "olora",
                            "olora:rank=6,alpha=9",
                            "targets",
                            "k_proj,up_proj",
                            "layers",
                            List.of(2, 29)),
                    recipe("lora-plus", "lora-plus:rank=6,ratio=4", "targets", "q_proj"),
                    recipe("lora-fa", "lora-fa:rank=6,corrected=true", "targets", "v_proj"),
                    recipe("lora-pro", "lora-pro:rank=6", "targets", "v_proj"),
                    recipe("dylora", "dylora:rank=6,least=2", "targets", "v_proj"),
                    recipe("prompt-tuning", "prompt-tuning:tokens=7"),
                    recipe("prefix-tuning", "prefix-tuning:tokens=5,start=zero"));

    private static Map.Entry<String, Map<String, Object>> recipe(
            String name, String method, Object... more) {
        var settings = new LinkedHashMap<String, Object>();
        settings.put("method", method);
        for (int i = 0; i < more.length; i += 2) settings.put((String) more[i], more[i + 1]);
        return Map.entry(name, settings);
    }

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

    /** Its file is LoRA's, for the base as it was encoded: here one that both read from a file. */
    @Test
    void loftqGivesTheSameInPeftOnTheBaseInItsEncoding(@TempDir Path folder) throws IOException {
        Path text = Peers.text(folder);
        String model = peers.model().toString();
        Path adapter =
                trained(
                        "loftq",
                        Map.of("method", "loftq:rank=8,alpha=24", "base_encoding", "q4_0"),
                        folder);
        Path encoded = folder.resolve("q4_0.gguf");
        gyre.encode(Gyre.Source.of(model), new Gyre.Encoding("q4_0", encoded, false, 100), _ -> {});
        Path out = folder.resolve("loftq.json");
        peers.script(
                "check_load.py",
                "--gguf",
                encoded,
                "--text",
                text,
                "--adapter",
                adapter,
                "--out",
                out);
        try (var loaded = gyre.open(Gyre.Source.of(encoded.toString(), adapter))) {
            var ours = loaded.perplexity(List.of(Files.readString(text)), 512);
            assertThat(
                            Peers.difference(
                                    ours.documents().getFirst(), Peers.document(out), MOST, MEAN))
                    .isEmpty();
        }
    }

    private Path trained(String name, Path folder) throws IOException {
        return trained(name, RECIPES.getOrDefault(name, Map.of()), folder);
    }

    private Path trained(String name, Map<String, Object> settings, Path folder)
            throws IOException {
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
        for (var setting : settings.entrySet())
            recipe = recipe.with(setting.getKey(), setting.getValue());
        var done = gyre.train(recipe, false, _ -> {});
        assertThat(done.steps()).isEqualTo(3);
        return out;
    }
}
