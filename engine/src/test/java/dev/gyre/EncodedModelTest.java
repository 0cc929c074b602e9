package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;
import dev.gyre.eval.Perplexity;
import dev.gyre.format.Gguf;
import dev.gyre.model.Families;
import dev.gyre.model.Loading;
import dev.gyre.model.Model;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.tensor.Scope;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

class EncodedModelTest {
    private static final Path PICO = Path.of("src/test/resources/golden/pico-llama");
    private static final int[] IDS = {
        1, 72, 101, 108, 108, 111, 44, 32, 119, 111, 114, 108, 100, 2
    };

    @TempDir Path folder;

    private final List<Gyre.EncodedWeight> seen = new ArrayList<>();

    private Gyre.Written encode(Path base, String to, Path out, double maxDrift) {
        return encode(base, to, out, maxDrift, false);
    }

    private Gyre.Written encode(
            Path base, String to, Path out, double maxDrift, boolean overwrite) {
        var source = new Gyre.Source(base.toString(), List.of(), "auto", "stored");
        return Gyre.start(Gyre.Machine.auto(), new Silent())
                .encode(source, new Gyre.Encoding(to, out, overwrite, maxDrift), seen::add);
    }

    private static double[] logprobs(Path place) {
        return logprobs(place, Loading.PLAIN);
    }

    private static double[] logprobs(Path place, Loading how) {
        try (Model model = Families.open(place, how);
                var _ = Scope.open()) {
            return Perplexity.of(model, List.of(), IDS, 128, 64).logprobs();
        }
    }

    private static double apart(double[] a, double[] b) {
        double worst = 0;
        for (int i = 1; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
        return worst;
    }

    @Test
    void helpNamesTheWholeRegistry() {
        assertThat(Gyre.WRITTEN).isEqualTo(String.join(", ", ModelForm.all().keySet()));
    }

    /** Rotary pairs, biases and tied heads must all be where llama.cpp has them. */
    @ParameterizedTest
    @ValueSource(strings = {"own-head", "tied-biased"})
    void f32GgufIsTheSameModelWithTheSameTokens(String name) {
        Path out = folder.resolve("model.gguf");
        var made = encode(PICO.resolve(name), "f32", out, 1e-9);
        assertThat(made.drift()).isLessThan(1e-9);
        assertThat(apart(logprobs(out), logprobs(PICO.resolve(name)))).isLessThan(1e-9);
        assertThat(made.weights()).isEqualTo(seen).allMatch(w -> w.error() == 0);
        try (Base there = Base.open(PICO.resolve(name), "auto", Loading.PLAIN);
                Base here = Base.open(out, "auto", Loading.PLAIN)) {
            for (String text : List.of("Hello, world 123", "<|im_start|>user\nGrüße<|im_end|>", ""))
                assertThat(here.tokenizer().encode(text, true))
                        .isEqualTo(there.tokenizer().encode(text, true));
            assertThat(here.dialect().stops()).isEqualTo(there.dialect().stops());
            assertThat(here.template().isPresent()).isEqualTo(there.template().isPresent());
        }
        Path again = folder.resolve("again.gguf");
        encode(out, "f32", again, 1e-9);
        try (var arena = Arena.ofConfined()) {
            var one = Gguf.open(out, arena);
            var two = Gguf.open(again, arena);
            assertThat(two.metadata().keys()).containsExactlyElementsOf(one.metadata().keys());
            assertThat(two.names()).containsExactlyElementsOf(one.names());
            for (String n : one.names())
                assertThat(two.tensor(n).data().mismatch(one.tensor(n).data())).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "q8_0, .008, q8_0",
        "q4_0, .11, q4_0+q8_0",
        "q4_1, .1, q4_1+q8_0",
        "q5_0, .06, q5_0+q8_0",
        "q5_1, .05, q5_1+q8_0",
        "q4_k, .06, q5_0+q8_0",
        "q5_k, .05, q5_1+q8_0",
        "q6_k, .008, q8_0",
        "f16, .0005, f16",
    })
    void quantisedGgufLosesAsMuchAsItsBlocksDo(String to, double error, String encodings) {
        Path out = folder.resolve("model.gguf");
        var made = encode(PICO.resolve("own-head"), to, out, 10);
        assertThat(made.weights()).hasSize(16).allMatch(w -> w.error() < error);
        String used =
                made.weights().stream()
                        .map(Gyre.EncodedWeight::encoding)
                        .distinct()
                        .sorted()
                        .collect(Collectors.joining("+"));
        assertThat(used).isEqualTo(encodings);
        try (var model = Families.open(out, Loading.PLAIN)) {
            for (var slot : model.slots())
                assertThat(slot.weight().encoding())
                        .isEqualTo(
                                made.weights().stream()
                                        .filter(w -> w.name().equals(slot.name()))
                                        .findFirst()
                                        .orElseThrow()
                                        .encoding());
        }
        assertThat(made.bytes()).isEqualTo(out.toFile().length());
    }

    @ParameterizedTest
    @CsvSource({"nf4, .1, own-head", "int8, .01, own-head", "nf4, .1, tied-biased"})
    void foldersInBitsandbytesLayoutOpenAgain(String to, double error, String name) {
        Path out = folder.resolve("model");
        var made = encode(PICO.resolve(name), to, out, 10);
        assertThat(made.weights()).allMatch(w -> w.error() < error && w.error() > 0);
        try (var model = Families.open(out, Loading.PLAIN)) {
            for (var slot : model.slots())
                assertThat(slot.weight().encoding())
                        .isEqualTo(slot.name().contains("layers") ? to : "f32");
        }
        // int8 as a base rounds activations, too
        var loading = to.equals("nf4") ? Loading.as(BaseEncoding.named(to)) : Loading.PLAIN;
        assertThat(apart(logprobs(out), logprobs(PICO.resolve(name), loading)))
                .isLessThan(to.equals("nf4") ? 1e-5 : 0.5);
        assertThat(out.resolve("tokenizer.json")).exists();
        assertThat(out.resolve("config.json")).content().contains("\"bitsandbytes\"");
    }

    @Test
    void aDriftBeyondTheLimitIsRefusedAndNothingStays() {
        for (String to : List.of("q4_0", "nf4")) {
            Path out = folder.resolve(to.equals("nf4") ? "model" : "model.gguf");
            assertThatThrownBy(() -> encode(PICO.resolve("own-head"), to, out, 1e-6))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("--max-drift")
                    .hasMessageContaining("nothing was kept");
        }
        assertThat(folder.toFile().list()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"q4_0, model.gguf", "nf4, model"})
    void whatWasThereOutlivesARefusalAndIsReplacedOtherwise(String to, String name)
            throws IOException {
        Path out = folder.resolve(name);
        encode(PICO.resolve("tied-biased"), to, out, 10);
        double[] old = logprobs(out);
        assertThatThrownBy(() -> encode(PICO.resolve("own-head"), to, out, 1e-6, true))
                .hasMessageContaining("nothing was kept");
        assertThat(logprobs(out)).isEqualTo(old);
        if (Files.isDirectory(out)) {
            Files.writeString(out.resolve("notes.txt"), "mine");
            Files.writeString(out.resolve("model.safetensors.index.json"), "another's");
        }
        var made = encode(PICO.resolve("own-head"), to, out, 10, true);
        assertThat(logprobs(out)).isNotEqualTo(old);
        assertThat(folder.toFile().list()).containsExactly(name);
        if (!Files.isDirectory(out)) return;
        assertThat(out.resolve("notes.txt")).hasContent("mine");
        assertThat(out.resolve("model.safetensors.index.json")).doesNotExist();
        assertThat(made.bytes()).isGreaterThan(out.resolve("model.safetensors").toFile().length());
    }

    @ParameterizedTest
    @CsvSource({
        "q4_9, model.gguf, did you mean",
        "q8_0, model, ends in .gguf",
        "q8_0, taken.gguf, --overwrite",
        "q8_0, folder.gguf, is a folder",
        "nf4, taken.gguf, wanted a folder",
        "int8, full, not empty",
    })
    void badTargetsAreRefusedBeforeAnythingIsRead(String to, String out, String message)
            throws IOException {
        Files.writeString(folder.resolve("taken.gguf"), "mine");
        Files.createDirectories(folder.resolve("folder.gguf"));
        Files.createDirectories(folder.resolve("full"));
        Files.writeString(folder.resolve("full/file"), "mine");
        Path nowhere = folder.resolve("nowhere");
        assertThatThrownBy(() -> encode(nowhere, to, folder.resolve(out), 1))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(message);
        assertThat(folder.resolve("taken.gguf")).hasContent("mine");
    }

    @Test
    void aTokenizerThatGgufCannotNameIsRefused() throws IOException {
        Path base = folder.resolve("base");
        Files.createDirectories(base);
        for (String file : List.of("config.json", "model.safetensors", "tokenizer_config.json"))
            Files.copy(PICO.resolve("own-head").resolve(file), base.resolve(file));
        String json = Files.readString(PICO.resolve("own-head/tokenizer.json"));
        Path out = folder.resolve("model.gguf");
        Files.writeString(
                base.resolve("tokenizer.json"),
                json.replaceFirst("\"use_regex\": *true", "\"use_regex\": false"));
        assertThatThrownBy(() -> encode(base, "f32", out, 1))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("splitting");
        assertThat(out).doesNotExist();
        assertThat(Arrays.asList(folder.toFile().list())).containsExactly("base");
    }
}
