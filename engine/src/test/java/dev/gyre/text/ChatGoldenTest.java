package dev.gyre.text;

import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Templates, and small pieces of their language, render byte for byte as in transformers, or fail
 * where it fails.
 */
class ChatGoldenTest {
    static final Map<String, String> SPECIAL =
            Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>");

    @ParameterizedTest
    @ValueSource(strings = {"chats.json", "pieces.json"})
    void templatesRenderAsInTransformers(String golden) {
        var softly = new SoftAssertions();
        var templates = new HashMap<String, String>();
        for (Tree row : Goldens.json("templates/" + golden).items()) {
            String name = row.need("template").text();
            String source =
                    name.endsWith(".jinja")
                            ? templates.computeIfAbsent(name, n -> Goldens.text("templates/" + n))
                            : name;
            List<Message> chat = messages(row.need("messages"));
            boolean prompt = row.need("prompt").bool();
            if (row.get("out").isPresent()) {
                softly.assertThatCode(
                                () ->
                                        softly.assertThat(
                                                        ChatTemplate.of(source, SPECIAL)
                                                                .render(chat, prompt))
                                                .as("%s %s", name, chat)
                                                .isEqualTo(row.need("out").text()))
                        .as("%s %s", name, chat)
                        .doesNotThrowAnyException();
            } else {
                softly.assertThatThrownBy(
                                () -> ChatTemplate.of(source, SPECIAL).render(chat, prompt))
                        .as("%s %s", name, chat)
                        .isInstanceOf(UserError.class);
            }
        }
        softly.assertAll();
    }

    static List<Message> messages(Tree list) {
        var out = new ArrayList<Message>();
        for (Tree m : list.items())
            out.add(new Message(m.need("role").text(), m.need("content").text()));
        return out;
    }
}
