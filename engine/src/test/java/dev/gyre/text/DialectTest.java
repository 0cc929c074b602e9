package dev.gyre.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

class DialectTest {
    private static final List<Message> HI = List.of(new Message("user", "hi"));

    @TempDir Path folder;

    @BeforeEach
    void aTokenizer() throws IOException {
        write("tokenizer.json", Goldens.text("tokens/small-tokenizer.json"));
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    @Test
    void aFolderWithATokenizerAloneIsEnough() {
        try (var dialect = Dialect.fromFolder(folder)) {
            assertThat(dialect.template()).isEmpty();
            assertThat(dialect.bos()).isEqualTo(-1);
            assertThat(dialect.eos())
                    .isEqualTo(2); // no file names one; of the stops it is the end of a turn
            assertThat(dialect.stops()).containsExactlyInAnyOrder(0, 2);
            assertThat(dialect.tokenizer().encode("a", true)).startsWith(1);
        }
    }

    @Test
    void specialTokensComeAsTextOrAsMaps() throws IOException {
        write(
                "tokenizer_config.json",
                """
                {"bos_token": {"content": "<|im_start|>", "lstrip": false}, "eos_token": "<|endoftext|>", "pad_token": null,
                 "chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"}\
                """);
        write("generation_config.json", "{\"eos_token_id\": [2, 7]}");
        try (var dialect = Dialect.fromFolder(folder)) {
            assertThat(dialect.bos()).isEqualTo(1);
            assertThat(dialect.eos()).isZero();
            assertThat(dialect.stops()).containsExactly(0, 2, 7);
            assertThat(dialect.template().orElseThrow().render(HI, true))
                    .isEqualTo("<|im_start|>hi<|endoftext|>");
        }
    }

    @Test
    void theModelsConfigNamesTheEndWhenNothingElseDoes() throws IOException {
        write("config.json", "{\"eos_token_id\": 9, \"bos_token_id\": 8}");
        try (var dialect = Dialect.fromFolder(folder)) {
            assertThat(dialect.eos()).isEqualTo(9);
            assertThat(dialect.bos()).isEqualTo(8);
        }
    }

    @Test
    void flagsInTheConfigSayWhatStandsAroundTexts() throws IOException {
        String tokens = "\"bos_token\": \"<|im_start|>\", \"eos_token\": \"<|im_end|>\"";
        write("tokenizer_config.json", "{%s, \"add_bos_token\": false}".formatted(tokens));
        try (var dialect = Dialect.fromFolder(folder)) {
            assertThat(dialect.tokenizer().encode("", true)).isEmpty();
        }
        write(
                "tokenizer_config.json",
                "{%s, \"add_bos_token\": true, \"add_eos_token\": true}".formatted(tokens));
        try (var dialect = Dialect.fromFolder(folder)) {
            assertThat(dialect.tokenizer().encode("", true)).containsExactly(1, 2);
            TokenGoldenTest.check(dialect.tokenizer(), "small-smollm.json", false);
        }
        write("tokenizer_config.json", "{\"add_bos_token\": 3}");
        assertThatThrownBy(() -> Dialect.fromFolder(folder))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("add_bos_token");
    }

    @Test
    void aTemplateFileGoesBeforeTheConfig() throws IOException {
        write("tokenizer_config.json", "{\"bos_token\": \"<s>\", \"chat_template\": \"config\"}");
        write("chat_template.jinja", "{{ bos_token }} file\n");
        assertThat(ChatTemplate.fromFolder(folder).orElseThrow().render(HI, false))
                .isEqualTo("<s> file");
    }

    @Test
    void ofSeveralTemplatesTheDefaultIsTaken() throws IOException {
        write(
                "tokenizer_config.json",
                """
                {"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}\
                """);
        assertThat(ChatTemplate.fromFolder(folder).orElseThrow().render(HI, false)).isEqualTo("d");
        write(
                "tokenizer_config.json",
                "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"t\"}]}");
        assertThatThrownBy(() -> ChatTemplate.fromFolder(folder))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("tool_use");
    }

    @Test
    void brokenFilesAreNamed() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": \"{% if %}\"}");
        assertThatThrownBy(() -> Dialect.fromFolder(folder))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("tokenizer_config.json:1", "line 1");
        write("tokenizer_config.json", "{\"chat_template\": 3}");
        assertThatThrownBy(() -> Dialect.fromFolder(folder))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("tokenizer_config.json:1");
        write("tokenizer_config.json", "{");
        assertThatThrownBy(() -> Dialect.fromFolder(folder))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not JSON");
        write("tokenizer_config.json", "{}");
        write("generation_config.json", "{\"eos_token_id\": \"x\"}");
        assertThatThrownBy(() -> Dialect.fromFolder(folder))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("eos_token_id");
        Files.delete(folder.resolve("tokenizer.json"));
        assertThatThrownBy(() -> Dialect.fromFolder(folder))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("tokenizer.json");
    }

    @Test
    void aVocabularyWithItsTemplate() {
        try (var dialect =
                Dialect.of(
                        Goldens.small("smollm", true),
                        Optional.of(Goldens.text("templates/smollm2.jinja")),
                        Set.of(3))) {
            assertThat(dialect.bos()).isEqualTo(1);
            assertThat(dialect.eos()).isEqualTo(2);
            assertThat(dialect.stops()).containsExactly(2, 3, 0);
            assertThat(dialect.specialTokens()).containsEntry("eos_token", "<|im_end|>");
            String text = dialect.template().orElseThrow().render(HI, true);
            assertThat(text).endsWith("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
            assertThat(dialect.tokenizer().encode(text, false)).startsWith(1).contains(2);
        }
    }

    @Test
    void aConversationThatATemplateRefusesIsTheUsersToMend() {
        var template =
                ChatTemplate.of("{{ raise_exception('no system turns') }}", java.util.Map.of());
        assertThatThrownBy(() -> template.render(HI, true))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("chat template", "no system turns");
        assertThat(
                        ChatTemplate.of("{{ messages | length }}", java.util.Map.of())
                                .render(List.of(), true))
                .isEqualTo("0");
        assertThatThrownBy(
                        () ->
                                ChatTemplate.of("{{ messages[0].role }}", java.util.Map.of())
                                        .render(List.of(), true))
                .isInstanceOf(UserError.class);
    }
}
