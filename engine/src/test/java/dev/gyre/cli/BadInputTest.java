package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.Program;
import dev.gyre.tensor.Torch;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What a user meets who gives the whole program something that it cannot use: one message, exit
 * code 2, no stack trace, and nothing written.
 */
class BadInputTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden").toAbsolutePath();

    @TempDir Path folder;

    @BeforeEach
    void files() throws IOException {
        Files.writeString(
                folder.resolve("good.jsonl"), "{\"prompt\": \"a\", \"completion\": \"b\"}\n");
        Files.writeString(folder.resolve("empty.jsonl"), "\n");
        Files.writeString(folder.resolve("nothing.txt"), "");
        Files.writeString(
                folder.resolve("broken.jsonl"),
                "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\"\n");
        byte[] gguf = Files.readAllBytes(GOLDEN.resolve("formats/every.gguf"));
        Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(gguf, gguf.length / 2));
    }

    /** Words with MODEL, OTHER, ADAPTER and DIR as paths. */
    private List<String> words(String line) {
        return Arrays.stream(line.strip().split(" "))
                .map(
                        w ->
                                w.replace("MODEL", GOLDEN + "/pico-llama/own-head")
                                        .replace("OTHER", GOLDEN + "/pico-llama/tied-biased")
                                        .replace("ADAPTER", GOLDEN + "/adapters/oft-dropout")
                                        .replace("DIR", folder.toString()))
                .toList();
    }

    private List<String> files(Path in) throws IOException {
        try (var all = Files.walk(in)) {
            return all.filter(Files::isRegularFile)
                    .map(f -> in.relativize(f).toString())
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "train --base MODEL --data DIR/empty.jsonl --out DIR/out | empty.jsonl: there is no"
                        + " example in it; wanted one JSON object a line",
                "train --base MODEL --data DIR/broken.jsonl --out DIR/out | broken.jsonl:2",
                "train --base MODEL --data DIR/none.jsonl --out DIR/out | none.jsonl: no such file",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --method oft:block=7 |"
                        + " block",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --method oft:blok=8 | did"
                        + " you mean \"block\"",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --method otf | did you mean"
                        + " \"oft\"",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --targets q_prj | did you"
                        + " mean \"q_proj\"",
                "train --base MODEL --data DIR/good.jsonl --out DIR/good.jsonl | is a file; wanted"
                        + " a folder",
                "train --base MODEL --data DIR/good.jsonl --out DIR | is not empty",
                "train --base MODEL --data DIR/good.jsonl --out DIR/good.jsonl/out | cannot make"
                        + " the folder",
                "eval perplexity --base MODEL --text DIR/nothing.txt | --text holds nothing to"
                        + " score",
                "eval perplexity --base MODEL --text DIR/good.jsonl --stride 128 | below the"
                        + " context of 128",
                "generate --base nowhere --prompt x | unknown model \"nowhere\"",
                "generate --base acme/none --prompt x --offline | HF_HUB_OFFLINE",
                "generate --base DIR/none.gguf --prompt x | none.gguf: no such file",
                "generate --base DIR/cut.gguf --prompt x | cut.gguf is not a whole GGUF file",
                "generate --base MODEL --adapter DIR/none --prompt x | none: no such folder",
                "generate --base ADAPTER --prompt x | is an adapter, not a model",
                "generate --base OTHER --adapter ADAPTER --prompt x | Was it trained on another"
                        + " model?",
                "merge --base OTHER --adapter ADAPTER --out DIR/out | Was it trained on another"
                        + " model?",
                "convert --base MODEL --adapter ADAPTER --out DIR/out.gguf | merge it instead",
                "convert --base MODEL --adapter DIR/none --out DIR/out.gguf | none: no such folder",
                "convert --base MODEL --adapter ADAPTER --out DIR/cut.gguf | allow it: --overwrite",
                "convert --base MODEL --adapter ADAPTER --out DIR/out | ends in .gguf",
                "convert --base MODEL --adapter ADAPTER --to q8_0 --out DIR/out.gguf | f32 or f16",
                "eval perplexity --base OTHER --adapter ADAPTER --text DIR/good.jsonl | Was it"
                        + " trained on another model?",
            })
    void isOneMessageAndNothingIsWritten(String line, String message) throws IOException {
        List<String> before = files(folder);
        var run = CommandLineRun.real(words(line).toArray(String[]::new));
        assertThat(run.err()).startsWith("gyre: ").contains(message.strip());
        assertThat(run.err()).doesNotContain("\tat ").doesNotContain("bug");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(files(folder)).isEqualTo(before);
    }

    @Test
    void anAdaptersUnknownKeyIsAnErrorUntilItIsAllowed() throws IOException {
        Path adapter = Files.createDirectory(folder.resolve("strange"));
        Path golden = GOLDEN.resolve("adapters/oft-dropout");
        Files.copy(
                golden.resolve("adapter_model.safetensors"),
                adapter.resolve("adapter_model.safetensors"));
        Files.writeString(
                adapter.resolve("adapter_config.json"),
                Files.readString(golden.resolve("adapter_config.json"))
                        .replaceFirst("\\{", "{\"twist\": 3, "));
        String line = "generate --base MODEL --adapter DIR/strange --prompt x --max-tokens 1";
        var strict = CommandLineRun.real(words(line).toArray(String[]::new));
        assertThat(strict.err()).contains("\"twist\" is not known", "--allow-unknown-keys");
        assertThat(strict.code()).isEqualTo(2);
        var lenient =
                CommandLineRun.real(words(line + " --allow-unknown-keys").toArray(String[]::new));
        assertThat(lenient.err()).contains("\"twist\" is not known", "ignored");
        assertThat(lenient.code()).isZero();
    }

    @Test
    void anOldOftFileIsReadAsItIsSaidToBe() throws IOException {
        String line = "eval perplexity --base MODEL --adapter DIR/old --text DIR/good.jsonl --json";
        Path golden = GOLDEN.resolve("adapters/oft-minimal");
        Path adapter = Files.createDirectory(folder.resolve("old"));
        for (String file : List.of("adapter_model.safetensors", "adapter_config.json"))
            Files.copy(golden.resolve(file), adapter.resolve(file));
        var standard = CommandLineRun.real(words(line).toArray(String[]::new));
        assertThat(standard.err()).contains("no peft_version", "--oft-series legacy");
        var legacy =
                CommandLineRun.real(words(line + " --oft-series legacy").toArray(String[]::new));
        assertThat(legacy.err()).isEmpty();
        assertThat(legacy.code()).isZero();
        assertThat(legacy.out()).isNotEqualTo(standard.out());
        var other = CommandLineRun.real(words(line + " --oft-series new").toArray(String[]::new));
        assertThat(other.err()).contains("must be standard or legacy");
        assertThat(other.code()).isEqualTo(2);
    }

    @Test
    void aDeviceThatIsNotThereIsSaid() {
        Assumptions.assumeTrue(Torch.cudaObstacle().isPresent(), "this machine has the device");
        var run =
                CommandLineRun.real(
                        words("generate --base MODEL --prompt x --device cuda")
                                .toArray(String[]::new));
        assertThat(run.err()).startsWith("gyre: --device cuda: ").hasLineCount(1);
        assertThat(run.code()).isEqualTo(2);
    }

    @Test
    void withoutNetworkTheHubIsNamed() {
        var run =
                Program.run(
                        folder,
                        Main.class,
                        words("generate --base acme/none --prompt x"),
                        Map.of(
                                "HF_ENDPOINT",
                                "http://127.0.0.1:9",
                                "HF_HOME",
                                folder.resolve("hf").toString(),
                                "NO_PROXY",
                                "127.0.0.1"));
        assertThat(run.output())
                .startsWith("gyre: the model hub http://127.0.0.1:9 cannot be reached: connection")
                .hasLineCount(1);
        assertThat(run.code()).isEqualTo(2);
    }

    @Test
    void aFullDiskLeavesNothingOfAnAdapter() throws IOException {
        unpackedNatives();
        var run =
                Program.withFilesUpTo(
                        128,
                        folder,
                        Main.class,
                        words(
                                "train --base MODEL --data DIR/good.jsonl --out DIR/out --steps 1"
                                        + " --method lora:rank=64 --threads 1"));
        checkFull(run, "out/adapter_model.safetensors");
        assertThat(files(folder.resolve("out"))).isEmpty();
    }

    @Test
    void aFullDiskLeavesNothingOfAMergedModel() throws IOException {
        unpackedNatives();
        var run =
                Program.withFilesUpTo(
                        128,
                        folder,
                        Main.class,
                        words("merge --base MODEL --adapter ADAPTER --out DIR/out --threads 1"));
        checkFull(run, "out/model.safetensors");
        assertThat(files(folder.resolve("out"))).isEmpty();
    }

    private void checkFull(Program run, String file) {
        assertThat(run.output())
                .contains("gyre: cannot write " + folder.resolve(file) + ": ")
                .endsWith("Nothing was left half-written.\n")
                .doesNotContain("\tat ");
        assertThat(run.code()).isEqualTo(2);
    }

    /** The libraries' own caches are filled here, where files may have any size. */
    private void unpackedNatives() {
        var run =
                CommandLineRun.real(
                        words("generate --base MODEL --prompt x --max-tokens 1")
                                .toArray(String[]::new));
        assertThat(run.err()).doesNotContain("gyre:");
        assertThat(run.code()).isZero();
    }
}
