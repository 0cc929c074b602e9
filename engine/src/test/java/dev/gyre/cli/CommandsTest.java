package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.train.MethodSpec;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import javax.imageio.ImageIO;

class CommandsTest {
    @TempDir Path folder;

    private String[] train(String... more) {
        var all =
                new java.util.ArrayList<>(
                        List.of(
                                "train",
                                "--base",
                                "b",
                                "--data",
                                "d.jsonl",
                                "--out",
                                folder.resolve("out").toString()));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void trainPassesTheFlagsOn() {
        var run =
                CommandLineRun.of(
                        train(
                                "--learning-rate",
                                "1e-3",
                                "--method",
                                "oft:block=16,terms=3",
                                "--steps=4",
                                "--data",
                                "e.jsonl:messages",
                                "--shuffle",
                                "false",
                                "--targets",
                                "q_proj,v_proj",
                                "--layers",
                                "0,2"));
        assertThat(run.err()).contains("step 4/4: loss 0.500");
        assertThat(run.code()).isZero();
        var recipe = run.engine().trained;
        assertThat(recipe.learningRate()).isEqualTo(Optional.of(1e-3));
        assertThat(recipe.method())
                .isEqualTo(new MethodSpec("oft", Map.of("block", 16L, "terms", 3L)));
        assertThat(recipe.data()).hasSize(2);
        assertThat(recipe.shuffle()).isFalse();
        assertThat(recipe.targets()).containsExactly("q_proj", "v_proj");
        assertThat(recipe.layers()).containsExactly(0, 2);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void flagsWinOverTheRecipeFile() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("r.yaml"),
                        "base: other\nsteps: 9\nbatch: 2\nmethod: {name: lora, rank: 4}\n");
        var run = CommandLineRun.of(train("--recipe", file.toString(), "--steps", "2"));
        assertThat(run.code()).isZero();
        assertThat(run.engine().trained.base()).isEqualTo("b");
        assertThat(run.engine().trained.steps()).isEqualTo(Optional.of(2));
        assertThat(run.engine().trained.batch()).isEqualTo(2);
        assertThat(run.engine().trained.method().name()).isEqualTo("lora");
    }

    @Test
    void eventsAreJsonLines() {
        var run = CommandLineRun.of(train("--json"));
        assertThat(run.lines()).hasSize(6);
        Tree step = Json.read(run.lines().get(1), "line");
        assertThat(step.entries().keySet())
                .contains("event", "step", "loss", "learned_tokens", "learning_rate", "seconds");
        Tree done = Json.read(run.lines().getLast(), "line");
        assertThat(done.entries().keySet())
                .containsExactly(
                        "event",
                        "steps",
                        "seconds",
                        "tokens_per_second",
                        "peak_rss_bytes",
                        "adapter");
        assertThat(done.need("peak_rss_bytes").whole()).isEqualTo(1_500_000_000);
    }

    @ParameterizedTest
    @ValueSource(ints = {60, 80, 120})
    void theBarStaysInItsLineAndLeavesNothing(int columns) {
        var run = CommandLineRun.onTerminal(columns, train("--steps", "12"));
        List<String> bars =
                Arrays.stream(run.err().split("[\r\n]"))
                        .filter(l -> l.startsWith("train "))
                        .toList();
        assertThat(bars).isNotEmpty().allMatch(l -> l.length() <= columns);
        assertThat(bars.getLast()).contains("12/12", "loss 0.167");
        String after = run.err().substring(run.err().lastIndexOf(bars.getLast()));
        assertThat(after).contains("\n12 steps in 0:01, 200 tokens/s");
    }

    @Test
    void elsewhereThereAreLinesWithoutColours() {
        var run = CommandLineRun.of(train("--steps", "12"));
        assertThat(run.err()).doesNotContain("\r").doesNotContain("\033");
        assertThat(run.err().lines().filter(l -> l.startsWith("step "))).hasSize(12);
    }

    @Test
    void aRunDrawsItsLoss() throws IOException {
        CommandLineRun.of(train());
        var picture = ImageIO.read(folder.resolve("out/loss.png").toFile());
        assertThat(picture.getWidth()).isEqualTo(900);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "trian | unknown command \"trian\"; did you mean \"train\"?",
                "train --lerning-rate=3 | unknown flag \"--lerning-rate\"; did you mean"
                        + " \"--learning-rate\"?",
                "train | --base MODEL is missing: model: folder, .gguf file, org/name or"
                        + " pip:PACKAGE",
                "train --base b --data d --out o --batch 0 | --batch must be a whole number from 1,"
                        + " not 0",
                "train --base b --data d --out o --learning-rate fast | --learning-rate must be a"
                        + " number, not \"fast\"",
                "train --base b --data d --out o --resume true | --resume = true is not possible"
                        + " yet; it comes with a later version. Leave it at false",
                "train --base b --data d --out o --method oft:block | --method must be"
                        + " NAME:SETTING=VALUE,SETTING=VALUE, such as oft:block=32,terms=5, not"
                        + " \"oft:block\"",
                "train --base b --data d:mesages --out o | --data: unknown data format \"mesages\";"
                        + " did you mean \"messages\"?",
                "train --recipe none.yaml | cannot read none.yaml: no such file",
                "train --base nowhere --data d --out o | no model nowhere",
                "train x | unexpected \"x\": this command takes flags only",
                "train --base | Missing required parameter for option '--base' (MODEL)",
                "eval | say which: perplexity",
                "generate --base b | nothing to answer; give --prompt TEXT or --prompts FILE",
                "generate --base b --prompt x --top-p 2 | --top-p must be above 0 and at most 1,"
                        + " not 2.0",
                "generate --base b --prompt x --device gpu | \"--device\" must be cpu or cuda, not"
                        + " gpu",
                "eval perplexity --base b --text none.txt | cannot read none.txt: no such file",
                "merge --base b --out o | nothing to merge; give --adapter DIR, once or more",
                "convert --base b --out o.gguf | nothing to convert; give --adapter DIR, once or"
                        + " more",
                "methods otf | unknown method \"otf\"; did you mean \"oft\"?",
                "inspect none | none: no such file or folder",
                "bench train --base b --rows 0 | \"--rows\" must be a whole number from 1, not 0",
            })
    void misuseIsOneMessageAndCodeTwo(String line, String message) {
        var run = CommandLineRun.of(line.strip().split(" "));
        assertThat(run.err().lines().findFirst()).contains("gyre: " + message.strip());
        assertThat(run.err()).doesNotContain("\tat ");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void aFailedRunHasCodeOne() {
        var engine = new ScriptedGyre();
        engine.diverges = true;
        var run = CommandLineRun.run(engine, "", train());
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err()).endsWith("gyre: step 2: the loss is NaN\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"huge", "huge for torch"})
    void tooLittleMemoryIsNoBug(String base) {
        var run = CommandLineRun.of("train", "--base", base, "--data", "d", "--out", "o");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.err())
                .contains("not enough memory: ", "9 bytes", "activations: recompute")
                .doesNotContain("bug", "\tat ", "frame #");
    }

    @Test
    void aBugIsReportedWithItsTrace() {
        var run = CommandLineRun.of("train", "--base", "bug", "--data", "d", "--out", "o");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err())
                .contains("please report it")
                .contains("IllegalStateException: a bug")
                .contains("\tat ");
    }

    @Test
    void oneAnswerStreams() {
        var run =
                CommandLineRun.of(
                        "generate", "--base", "b", "--prompt", "hello", "--system", "be kind");
        assertThat(run.out()).isEqualTo("echo hello\n");
        assertThat(run.engine().calls.get(1)).contains("system, text=be kind");
        assertThat(run.engine().calls).endsWith("close");
    }

    @Test
    void manyAnswersComeInOrder() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("p.jsonl"),
                        "{\"prompt\":\"one\",\"completion\":\"1\"}\n\n"
                                + "{\"messages\":[{\"role\":\"user\",\"content\":\"two\"}]}\n");
        var run =
                CommandLineRun.of(
                        "generate",
                        "--base",
                        "b",
                        "--adapter",
                        "x",
                        "--adapter",
                        "y",
                        "--prompts",
                        file.toString(),
                        "--json");
        assertThat(run.lines().getFirst())
                .isEqualTo(
                        "{\"index\":0,\"prompt\":\"one\",\"text\":\"echo"
                                + " one\",\"tokens\":5,\"finish_reason\":\"stop\"}");
        assertThat(run.lines().get(1)).contains("\"index\":1", "echo two");
        assertThat(run.engine().calls.getFirst()).isEqualTo("open b [x, y] auto");
    }

    @Test
    void aBadPromptFileIsNamedWithItsLine() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("p.jsonl"), "{\"prompt\":\"one\"}\n{\"promt\":\"two\"}\n");
        var run = CommandLineRun.of("generate", "--base", "b", "--prompts", file.toString());
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.err())
                .isEqualTo(
                        "gyre: " + file + ":2: unknown key \"promt\"; did you mean \"prompt\"?\n");
        assertThat(run.engine().calls).isEmpty();
    }

    @Test
    void chatRemembersAndForgets() {
        var run = CommandLineRun.typing("hi\nthere\n/reset\nagain\n", "chat", "--base", "b");
        assertThat(run.lines()).containsExactly("echo hi", "echo there", "echo again");
        assertThat(run.engine().calls.get(2))
                .contains("user, text=hi", "assistant, text=echo hi", "user, text=there");
        assertThat(run.engine().calls.get(3)).doesNotContain("hi]");
    }

    @Test
    void perplexityIsJson() throws IOException {
        Path file = Files.writeString(folder.resolve("t.txt"), "some text\n");
        var run =
                CommandLineRun.of(
                        "eval",
                        "perplexity",
                        "--base",
                        "b",
                        "--text",
                        file.toString(),
                        "--json",
                        "--per-token");
        assertThat(run.out())
                .startsWith(
                        "{\"documents\":[{\"ids\":[4,5,6],\"logprobs\":[null,-1.0,-2.0]}],\"tokens\":2,\"nll\":3.0,\"perplexity\":4.48");
        assertThat(run.engine().calls.get(1)).isEqualTo("perplexity [some text\n] 64");
    }

    @Test
    void mergePrintsTheDrift() {
        var run = CommandLineRun.of("merge", "--base", "b", "--adapter", "a", "--out", "o");
        assertThat(run.out())
                .isEqualTo(
                        "o: 7 weights merged; log-probabilities moved by at most 1.0e-06 over 64"
                                + " tokens\n");
    }

    @Test
    void theVersionIsOneLine() {
        var run = CommandLineRun.of("--version");
        assertThat(run.code()).isZero();
        assertThat(run.lines()).hasSize(1);
        assertThat(run.out()).startsWith("gyre ");
    }

    @Test
    void convertPrintsTheDrift() {
        var run = CommandLineRun.of("convert", "--base", "b", "--adapter", "a", "--out", "o.gguf");
        assertThat(run.engine().calls).containsExactly("convert [a] to f32");
        assertThat(run.out())
                .isEqualTo(
                        "o.gguf: 7 weights, rank 16; log-probabilities moved by at most 1.0e-06"
                                + " over 64 tokens\n");
        var row =
                CommandLineRun.of(
                        "convert",
                        "--base",
                        "b",
                        "--adapter",
                        "a",
                        "--out",
                        "o",
                        "--to",
                        "f16",
                        "--json");
        assertThat(row.engine().calls).containsExactly("convert [a] to f16");
        assertThat(Json.read(row.lines().getFirst(), "row").entries().keySet())
                .containsExactly("out", "weights", "rank", "drift", "probe_tokens");
    }

    @Test
    void benchTrainPrintsARow() {
        var run =
                CommandLineRun.of(
                        "bench",
                        "train",
                        "--base",
                        "b",
                        "--rows",
                        "2",
                        "--tokens",
                        "8",
                        "--steps",
                        "3");
        Tree row = Json.read(run.lines().getFirst(), "row");
        assertThat(row.need("engine").text()).isEqualTo("gyre");
        assertThat(row.need("losses").items()).hasSize(3);
        // Two before the clock runs, three that are timed, and one that is looked at.
        assertThat(run.engine().calls).hasSize(6).containsOnly("step 2x8");
        assertThat(row.need("share_of_f32_products").real()).isPositive();
        assertThat(row.need("commit").text()).isNotEmpty();
    }

    @Test
    void benchMethodsPrintsARowForEach() {
        var run =
                CommandLineRun.of(
                        "bench",
                        "methods",
                        "ia3",
                        "oft:block=8",
                        "--base",
                        "b",
                        "--rows",
                        "2",
                        "--tokens",
                        "8",
                        "--warmup",
                        "1",
                        "--steps",
                        "3");
        assertThat(run.lines()).hasSize(2);
        Tree row = Json.read(run.lines().getLast(), "row");
        assertThat(row.need("method").text()).isEqualTo("oft:block=8");
        assertThat(row.need("beside").text()).isEqualTo("lora:rank=16");
        assertThat(row.need("times_its_seconds_each").items()).hasSize(3);
        assertThat(row.need("times_its_seconds").real()).isPositive();
        assertThat(row.need("learns").whole()).isEqualTo(7);
        // Both take one before the clock runs and three that are timed; one is looked at.
        assertThat(run.engine().calls).hasSize(2 * 9).containsOnly("step 2x8");
    }

    @Test
    void benchMethodsRefusesWhatCannotBeTimed() {
        var run = CommandLineRun.of("bench", "methods", "lora", "--base", "b", "--steps", "0");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.err()).contains("--steps").contains("a whole number from 1");
        assertThat(CommandLineRun.of("bench", "methods", "--base", "b").code()).isEqualTo(2);
        assertThat(CommandLineRun.of("bench", "methods", "lorra", "--base", "b").err())
                .contains("lorra");
    }

    @Test
    void quickstartReportsWhatItLearned() {
        Path out = folder.resolve("q");
        var run = CommandLineRun.of("quickstart", "--out", out.toString(), "--steps", "5");
        assertThat(run.err()).doesNotContain("bug");
        assertThat(run.code()).isZero();
        Tree report = Json.read(out.resolve("report.json"));
        assertThat(report.need("exact_match_before").real()).isZero();
        assertThat(report.need("exact_match_after").real()).isEqualTo(1);
        assertThat(report.need("loss").items()).hasSize(5);
        assertThat(report.entries().keySet())
                .containsExactlyInAnyOrder(
                        "exact_match_before",
                        "exact_match_after",
                        "seconds",
                        "peak_rss_bytes",
                        "steps",
                        "tokens_per_second",
                        "loss",
                        "model_source");
        assertThat(run.engine().trained.base()).isEqualTo("HuggingFaceTB/SmolLM2-135M-Instruct");
        assertThat(out.resolve("loss.png")).exists();
        assertThat(run.out()).contains("0.0 % before, 100.0 % after", "./gyre chat --base");
        assertThat(CommandLineRun.of("quickstart", "--out", out.toString()).code()).isEqualTo(2);
    }
}
