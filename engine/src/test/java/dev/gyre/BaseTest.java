package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;
import dev.gyre.model.Loading;
import dev.gyre.text.Message;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What a base's files say of its text reaches those who ask the base. */
class BaseTest {
    private static final Path PICO = Path.of("src/test/resources/golden/pico-llama/own-head");
    private static final List<Message> HI = List.of(new Message("user", "hi"));

    @TempDir Path folder;

    @BeforeEach
    void aModel() throws IOException {
        try (var files = Files.list(PICO)) {
            for (Path file : files.toList()) Files.copy(file, folder.resolve(file.getFileName()));
        }
    }

    @Test
    void theConfigSaysWhatStandsBeforeATextAndWhereAnswersEnd() throws IOException {
        Path config = folder.resolve("tokenizer_config.json");
        String tokens = "\"bos_token\": \"<|im_start|>\", \"eos_token\": \"<|im_end|>\"";
        for (boolean begins : List.of(true, false)) {
            Files.writeString(config, "{%s, \"add_bos_token\": %s}".formatted(tokens, begins));
            try (var base = Base.open(folder, "auto", Loading.PLAIN)) {
                int start = base.tokenizer().id("<|im_start|>").orElseThrow();
                int end = base.tokenizer().id("<|im_end|>").orElseThrow();
                int[] ids = base.tokenizer().encode("hi", true);
                assertThat(ids[0] == start).isEqualTo(begins);
                assertThat(base.dialect().eos()).isEqualTo(end);
                assertThat(base.dialect().stops()).contains(end);
            }
        }
    }

    @Test
    void aTemplateOfOnesOwnKnowsTheModelsTokens() throws IOException {
        Path file = Files.writeString(folder.resolve("own.jinja"), "{{ eos_token }}!");
        Files.writeString(
                folder.resolve("tokenizer_config.json"), "{\"eos_token\": \"<|im_end|>\"}");
        try (var base = Base.open(folder, file.toString(), Loading.PLAIN)) {
            assertThat(base.template().orElseThrow().render(HI, false)).isEqualTo("<|im_end|>!");
        }
        try (var base = Base.open(folder, "none", Loading.PLAIN)) {
            assertThat(base.template()).isEmpty();
        }
        assertThatThrownBy(() -> Base.open(folder, "no.jinja", Loading.PLAIN))
                .isInstanceOf(UserError.class)
                .hasMessage("cannot read the template no.jinja: no such file");
    }
}
