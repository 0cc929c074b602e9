package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Adapters that PEFT made on the real SmolLM2, each with other settings: the same log-probabilities
 * here as there.
 */
@Peers.Needed
class PeftAdaptersLiveTest {
    /** Float32 through thirty layers, summed in another order. */
    private static final double MOST = 2e-3;

    private static final double MEAN = 2e-4;

    private final Peers peers = Peers.here();
    private final Gyre gyre = Gyre.start(Gyre.Machine.auto(), new Silent());

    @Test
    void adaptersOfEachKindOfSettingGivePeftsLogProbabilities(@TempDir Path folder)
            throws IOException {
        Path text = Peers.text(folder);
        Path list = Path.of("src/test/resources/live/peft-adapters.json");
        peers.script(
                "make_adapter.py",
                "--gguf",
                peers.model(),
                "--cases",
                list,
                "--out",
                folder,
                "--text",
                text);
        var wrong = new ArrayList<String>();
        for (Tree made : Json.read(list).items()) {
            Path adapter = folder.resolve(made.need("name").text());
            Peers.difference(
                            peers.ours(gyre, List.of(adapter), text),
                            Peers.document(adapter.resolve("logprobs.json")),
                            MOST,
                            MEAN)
                    .ifPresent(how -> wrong.add(adapter.getFileName() + ": " + how));
        }
        assertThat(wrong).isEmpty();
    }

    /** PEFT encodes the base anew when it reads the adapter; we read the base that it saved. */
    @Test
    void loftqGivesPeftsLogProbabilitiesOnTheBaseThatItEncoded(@TempDir Path folder)
            throws IOException {
        Path text = Peers.text(folder);
        peers.script(
                "make_loftq.py",
                "--gguf",
                peers.model(),
                "--config",
                "{\"r\": 6, \"lora_alpha\": 9, \"target_modules\": [\"k_proj\", \"o_proj\"],"
                        + " \"layers_to_transform\": [0, 7, 29],"
                        + " \"loftq_config\": {\"loftq_bits\": 4, \"loftq_iter\": 2}}",
                "--text",
                text,
                "--out",
                folder);
        Path adapter = folder.resolve("adapter");
        Path made = folder.resolve("logprobs.json");
        try (var loaded = gyre.open(Gyre.Source.of(folder.resolve("base").toString(), adapter))) {
            var ours = loaded.perplexity(List.of(Files.readString(text)), 512);
            assertThat(
                            Peers.difference(
                                    ours.documents().getFirst(), Peers.document(made), MOST, MEAN))
                    .isEmpty();
        }
        assertThatThrownBy(() -> peers.ours(gyre, List.of(adapter), text))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("loftq_iter = 2");
    }

    @Test
    void theBaseAndTwoAdaptersInEitherOrderGivePeftsLogProbabilities(@TempDir Path folder)
            throws IOException {
        Path text = Peers.text(folder);
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        peers.script(
                "make_adapter.py",
                "--gguf",
                peers.model(),
                "--kind",
                "oft",
                "--config",
                "{\"oft_block_size\": 32, \"target_modules\": \"all-linear\"}",
                "--seed",
                1,
                "--out",
                first);
        peers.script(
                "make_adapter.py",
                "--gguf",
                peers.model(),
                "--kind",
                "oft",
                "--config",
                "{\"oft_block_size\": 16, \"use_cayley_neumann\": false, \"target_modules\":"
                        + " [\"q_proj\", \"up_proj\"]}",
                "--seed",
                2,
                "--scale",
                0.03,
                "--out",
                second);
        var wrong = new ArrayList<String>();
        for (List<Path> stack :
                List.of(List.<Path>of(), List.of(first, second), List.of(second, first))) {
            Path out = folder.resolve("logprobs" + stack.size() + ".json");
            var arguments =
                    new ArrayList<Object>(
                            List.of("--gguf", peers.model(), "--text", text, "--out", out));
            stack.forEach(adapter -> arguments.addAll(List.of("--adapter", adapter)));
            peers.script("logprobs.py", arguments.toArray());
            Peers.difference(
                            peers.ours(gyre, stack, text),
                            Peers.document(out),
                            stack.isEmpty() ? 1e-3 : MOST,
                            MEAN)
                    .ifPresent(how -> wrong.add(stack + ": " + how));
        }
        assertThat(wrong).isEmpty();
    }
}
