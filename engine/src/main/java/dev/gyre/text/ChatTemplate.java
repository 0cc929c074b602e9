package dev.gyre.text;

import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.text.jinja.Template;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a model wants conversations written: a Jinja template, rendered byte for byte as transformers
 * renders it. Any number of threads may use one at once.
 */
public final class ChatTemplate {
    private final String source;
    private final Template template;
    private final Map<String, String> specialTokens;

    private ChatTemplate(String source, Template template, Map<String, String> specialTokens) {
        this.source = source;
        this.template = template;
        this.specialTokens = specialTokens;
    }

    /**
     * Reads a template.
     *
     * @param specialTokens what {@code bos_token}, {@code eos_token} and their like stand for in it
     * @throws UserError when it is broken
     */
    public static ChatTemplate of(String source, Map<String, String> specialTokens) {
        return of(source, specialTokens, "the chat template");
    }

    private static ChatTemplate of(String source, Map<String, String> specialTokens, String where) {
        try {
            return new ChatTemplate(source, Template.parse(source), Map.copyOf(specialTokens));
        } catch (UserError e) {
            throw new UserError(where + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * The template of a Hugging Face folder: {@code chat_template.jinja}, or {@code chat_template}
     * in {@code tokenizer_config.json}, one text or several of which "default" is taken; empty when
     * it has none.
     *
     * @throws UserError when a file is broken
     */
    public static Optional<ChatTemplate> fromFolder(Path folder) {
        Path file = folder.resolve("chat_template.jinja");
        Path config = folder.resolve("tokenizer_config.json");
        Optional<Tree> tree =
                Files.exists(config) ? Optional.of(Json.read(config)) : Optional.empty();
        Map<String, String> tokens = tree.map(ChatTemplate::specialTokens).orElse(Map.of());
        if (Files.exists(file)) return Optional.of(of(read(file), tokens, file.toString()));
        return tree.flatMap(t -> t.get("chat_template"))
                .map(t -> of(chosen(t), tokens, t.where() + ": the chat template"));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
    }

    private static String chosen(Tree templates) {
        if (templates.isText()) return templates.text();
        var names = new ArrayList<String>();
        for (Tree each : templates.items()) {
            String name = each.need("name").text();
            if (name.equals("default")) return each.need("template").text();
            names.add(name);
        }
        throw new UserError(
                templates.where()
                        + ": no chat template is named \"default\"; there are: "
                        + String.join(", ", names));
    }

    /**
     * The keys of a {@code tokenizer_config.json} that end in {@code _token} and name one, plainly
     * or in a map.
     */
    static Map<String, String> specialTokens(Tree config) {
        var out = new LinkedHashMap<String, String>();
        config.entries()
                .forEach(
                        (key, value) -> {
                            if (!key.endsWith("_token")) return;
                            if (value.isText()) out.put(key, value.text());
                            else if (value.isMap())
                                value.get("content")
                                        .ifPresent(content -> out.put(key, content.text()));
                        });
        return out;
    }

    /** The template's own text. */
    public String source() {
        return source;
    }

    /** What its special tokens stand for. */
    public Map<String, String> specialTokens() {
        return specialTokens;
    }

    /**
     * A conversation as text.
     *
     * @param addGenerationPrompt whether the beginning of an answer follows
     * @throws UserError with the template's words when it does not take the conversation
     */
    public String render(List<Message> messages, boolean addGenerationPrompt) {
        var values = new HashMap<String, @Nullable Object>(specialTokens);
        var turns = new ArrayList<Map<String, String>>();
        for (Message message : messages) {
            var turn = new LinkedHashMap<String, String>();
            turn.put("role", message.role());
            turn.put("content", message.content());
            turns.add(turn);
        }
        values.put("messages", turns);
        values.put("add_generation_prompt", addGenerationPrompt);
        values.put("tools", null);
        values.put("documents", null);
        try {
            return template.render(values);
        } catch (UserError e) {
            throw new UserError(
                    "the chat template does not take this conversation: " + e.getMessage(), e);
        }
    }
}
