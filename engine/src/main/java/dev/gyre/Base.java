package dev.gyre;

import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.format.Gguf;
import dev.gyre.format.GgufMetadata;
import dev.gyre.model.Families;
import dev.gyre.model.Model;
import dev.gyre.text.ChatTemplate;
import dev.gyre.text.Tokenizer;
import dev.gyre.text.Vocabulary;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A base model with its text: weights, tokenizer, chat template and the tokens that end an answer.
 *
 * @param endOfText token after a text or a turn; -1 when the model names none
 * @param stops tokens that end an answer
 */
record Base(
        Path place,
        Model model,
        Tokenizer tokenizer,
        Optional<ChatTemplate> template,
        int endOfText,
        Set<Integer> stops)
        implements AutoCloseable {
    /** Names of end-of-turn tokens, in case a model's files name only one of several. */
    private static final List<String> ENDS_OF_TURN =
            List.of("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>");

    /**
     * Opens a folder or a GGUF file.
     *
     * @param template {@code auto}, {@code none} or a jinja file
     * @throws UserError when a file is missing or broken
     */
    static Base open(Path place, String template, boolean recomputes) {
        Text text = Files.isDirectory(place) ? Text.ofFolder(place) : Text.ofGguf(place);
        try {
            Optional<ChatTemplate> chosen =
                    switch (template) {
                        case "auto" -> text.template;
                        case "none" -> Optional.empty();
                        default -> Optional.of(fromFile(Path.of(template), text));
                    };
            Model model = Families.open(place, recomputes);
            return new Base(place, model, text.tokenizer, chosen, text.endOfText, text.stops());
        } catch (RuntimeException | Error e) {
            text.tokenizer.close();
            throw e;
        }
    }

    private static ChatTemplate fromFile(Path file, Text text) {
        try {
            return ChatTemplate.of(Files.readString(file), text.specialTokens);
        } catch (IOException e) {
            throw new UserError("cannot read the template " + file + ": " + Reasons.of(e), e);
        }
    }

    /** What a model's files say of its text. */
    record Text(
            Tokenizer tokenizer,
            Optional<ChatTemplate> template,
            Map<String, String> specialTokens,
            int endOfText,
            Set<Integer> ends) {

        static Text ofFolder(Path folder) {
            Tokenizer tokenizer = Tokenizer.fromJson(folder.resolve("tokenizer.json"));
            Optional<ChatTemplate> template = ChatTemplate.fromFolder(folder);
            var ends = new TreeSet<Integer>();
            for (String file : List.of("generation_config.json", "config.json")) {
                if (!Files.exists(folder.resolve(file))) continue;
                Json.read(folder.resolve(file)).get("eos_token_id").ifPresent(id -> add(ends, id));
            }
            Map<String, String> special =
                    template.map(ChatTemplate::specialTokens).orElse(Map.of());
            Optional.ofNullable(special.get("eos_token"))
                    .ifPresent(t -> tokenizer.id(t).ifPresent(ends::add));
            int end =
                    Optional.ofNullable(special.get("eos_token"))
                            .map(t -> tokenizer.id(t).orElse(-1))
                            .orElseGet(() -> ends.stream().findFirst().orElse(-1));
            return new Text(tokenizer, template, special, end, ends);
        }

        private static void add(Set<Integer> ends, Tree ids) {
            if (ids.isList()) ids.items().forEach(i -> ends.add(i.wholeInt()));
            else ends.add(ids.wholeInt());
        }

        static Text ofGguf(Path file) {
            try (var arena = Arena.ofShared()) {
                GgufMetadata m = Gguf.open(file, arena).metadata();
                Vocabulary vocabulary = vocabulary(m);
                Tokenizer tokenizer = Tokenizer.fromVocabulary(vocabulary);
                var special = new HashMap<String, String>();
                if (vocabulary.bos() >= 0)
                    special.put("bos_token", tokenizer.token(vocabulary.bos()));
                if (vocabulary.eos() >= 0)
                    special.put("eos_token", tokenizer.token(vocabulary.eos()));
                Optional<ChatTemplate> template =
                        m.has("tokenizer.chat_template")
                                ? Optional.of(
                                        ChatTemplate.of(m.text("tokenizer.chat_template"), special))
                                : Optional.empty();
                var ends = new TreeSet<Integer>();
                if (vocabulary.eos() >= 0) ends.add(vocabulary.eos());
                int turn = m.sizeOr("tokenizer.ggml.eot_token_id", -1);
                if (turn >= 0) ends.add(turn);
                return new Text(tokenizer, template, special, vocabulary.eos(), ends);
            }
        }

        static Vocabulary vocabulary(GgufMetadata m) {
            int bos = m.sizeOr("tokenizer.ggml.bos_token_id", -1);
            long[] types =
                    m.has("tokenizer.ggml.token_type")
                            ? m.wholes("tokenizer.ggml.token_type")
                            : new long[0];
            return new Vocabulary(
                    m.text("tokenizer.ggml.model"),
                    m.textOr("tokenizer.ggml.pre", ""),
                    m.texts("tokenizer.ggml.tokens"),
                    java.util.Arrays.stream(types).mapToInt(Math::toIntExact).toArray(),
                    m.has("tokenizer.ggml.merges") ? m.texts("tokenizer.ggml.merges") : List.of(),
                    bos,
                    m.sizeOr("tokenizer.ggml.eos_token_id", -1),
                    m.sizeOr("tokenizer.ggml.unknown_token_id", -1),
                    m.boolOr("tokenizer.ggml.add_bos_token", false) && bos >= 0);
        }

        Set<Integer> stops() {
            var all = new TreeSet<>(ends);
            for (String name : ENDS_OF_TURN) tokenizer.id(name).ifPresent(all::add);
            return all;
        }
    }

    @Override
    public void close() {
        model.close();
        tokenizer.close();
    }
}
