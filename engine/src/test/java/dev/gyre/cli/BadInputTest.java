package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.Program;
import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.format.FolderLock;
import dev.gyre.tensor.Torch;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
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
        modelWith("half", "config.json", config().replace("layers\": 2", "layers\": 1"));
        modelWith(
                "wide", "config.json", config().replace("embeddings\": 128", "embeddings\": 1e12"));
        Files.writeString(
                folder.resolve("both.jsonl"),
                "{\"prompt\": \"a\", \"messages\": [{\"role\": \"user\", \"content\": \"b\"}]}\n");
        Files.writeString(
                folder.resolve("robot.jsonl"),
                "{\"messages\": [{\"role\": \"robot\", \"content\": \"b\"}]}\n");
        Files.writeString(
                folder.resolve("long.jsonl"),
                "\uFEFF{\"prompt\": \"a\"}\n{\"prompt\": \"" + "a b ".repeat(200) + "\"}\n");
        Files.write(folder.resolve("latin.jsonl"), new byte[] {(byte) 0xE4, '\n'});
        modelWith("foreign-end", "generation_config.json", "{\"eos_token_id\": 500000000}");
        // Named by the tokenizer's own settings, it would be another one.
        Path settings = folder.resolve("foreign-end/tokenizer_config.json");
        Files.writeString(settings, Files.readString(settings).replace("\"eos_token\"", "\"x\""));
        modelWith("nan", "none", "");
        notANumber(folder.resolve("nan/model.safetensors"), "model.norm.weight");
        byte[] gguf = Files.readAllBytes(GOLDEN.resolve("formats/every.gguf"));
        Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(gguf, gguf.length / 2));
    }

    private static String config() throws IOException {
        return Files.readString(GOLDEN.resolve("pico-llama/own-head/config.json"));
    }

    /** A copy of the model, with one file more, or another. */
    private void modelWith(String name, String file, String text) throws IOException {
        Path copy = Files.createDirectory(folder.resolve(name));
        try (var all = Files.list(GOLDEN.resolve("pico-llama/own-head"))) {
            for (Path each : all.filter(Files::isRegularFile).toList())
                Files.copy(each, copy.resolve(each.getFileName()));
        }
        Files.writeString(copy.resolve(file), text);
    }

    /** Writes NaN over a tensor's first number. */
    private static void notANumber(Path safetensors, String tensor) throws IOException {
        var bytes = ByteBuffer.wrap(Files.readAllBytes(safetensors)).order(ByteOrder.LITTLE_ENDIAN);
        int header = 8 + (int) bytes.getLong(0);
        Tree all =
                Json.read(
                        new String(bytes.array(), 8, header - 8, StandardCharsets.UTF_8), "header");
        int at = header + all.need(tensor).need("data_offsets").items().getFirst().wholeInt();
        bytes.putFloat(at, Float.NaN);
        Files.write(safetensors, bytes.array());
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
                "train --base MODEL --data DIR/good.jsonl --out DIR/good.jsonl/out | cannot write"
                        + " into --out",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --steps 2 --warmup 2 |"
                        + " takes all of the 2 steps",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --threads 100000 |"
                        + " \"--threads\" must be a whole number from 1",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --init ADAPTER --layers 0 |"
                        + " \"layers\" is given, and \"init\"",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --method"
                        + " prompt-tuning:tokens=500 | puts 500 tokens before each row",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --layers 7 | left to adapt"
                        + " in layers [7]",
                "train --base MODEL --data DIR/good.jsonl --out DIR/out --chart DIR | it is a"
                        + " folder",
                "train --base DIR/foreign-end --data DIR/good.jsonl --out DIR/out | end-of-text"
                        + " token has the id 500000000",
                "compare --base MODEL --data DIR/good.jsonl --out DIR/out --rates 1e4 | up to 1000",
                "merge --base DIR/nan --adapter ADAPTER --out DIR/out | damaged, and nothing was"
                        + " written",
                "merge --base DIR/nan --adapter ADAPTER --to f16 --out DIR/out.gguf | damaged, and"
                        + " nothing was written",
                "quantize --base DIR/nan --to q8_0 --out DIR/out.gguf | nothing was written",
                "generate --base DIR/nan --prompt x | instead of numbers",
                "eval perplexity --base DIR/nan --text DIR/good.jsonl | are not numbers",
                "generate --base DIR/half --prompt x | tensors have no place in the model",
                "quantize --base DIR/half --to q8_0 --out DIR/out.gguf | --allow-unknown-keys",
                "generate --base DIR/wide --prompt x | max_position_embeddings",
                "generate --base MODEL --prompts DIR/both.jsonl | stands beside",
                "generate --base MODEL --prompts DIR/robot.jsonl | one of system, user",
                "generate --base MODEL --prompts DIR/long.jsonl | prompt 2 has",
                "generate --base MODEL --prompts DIR/latin.jsonl | it is not UTF-8 text",
                "merge --base MODEL --adapter ADAPTER --out DIR/out --max-drift 0 | is for --to",
                "merge --base MODEL --adapter ADAPTER --out DIR/out.gguf | give --to f16",
                "merge --base MODEL --adapter ADAPTER --out / --overwrite | the whole file system",
                "merge --base MODEL --adapter ADAPTER --out DIR/good.jsonl/x | in the way",
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
        assertThat(run.err())
                .doesNotContain("\tat ")
                .doesNotContain("bug")
                .doesNotContain(".tmp")
                .doesNotContain("REDACTED");
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
    void aFolderThatAnotherRunWritesIntoIsRefused() {
        Path out = folder.resolve("out");
        try (var _ = FolderLock.of(out)) {
            var run =
                    Program.run(
                            folder,
                            Main.class,
                            words(
                                    "train --base MODEL --data DIR/good.jsonl --out DIR/out"
                                            + " --steps 1 --threads 1"));
            assertThat(run.output()).contains("another run is writing into --out " + out);
            assertThat(run.code()).isEqualTo(2);
        }
        assertThat(out).doesNotExist();
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
        assertThat(folder.resolve("out")).doesNotExist();
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
        assertThat(folder.resolve("out")).doesNotExist();
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
