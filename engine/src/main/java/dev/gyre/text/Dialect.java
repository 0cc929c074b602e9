package dev.gyre.text;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;

import org.jspecify.annotations.Nullable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * All that a model needs to read and write: its tokens, how it wants conversations written, and
 * where its answers end. Closing it closes the tokenizer.
 *
 * @param tokenizer text to ids and back
 * @param template how conversations are written; empty for a model that has not been taught any
 * @param bos id of the token that begins a text; -1 when there is none
 * @param eos id of the token that ends a text or a turn; -1 when there is none
 * @param specialTokens what {@code bos_token}, {@code eos_token} and their like stand for, for
 *     another template than the model's own
 * @param stops ids after which an answer is over, {@code eos} among them
 */
public record Dialect(
        Tokenizer tokenizer,
        Optional<ChatTemplate> template,
        int bos,
        int eos,
        Map<String, String> specialTokens,
        Set<Integer> stops)
        implements AutoCloseable {
    /** Names of tokens that end a turn or a text in the model families there are. */
    private static final List<String> ENDS =
            List.of(
                    "<|im_end|>",
                    "<|endoftext|>",
                    "<|eot_id|>",
                    "<|eom_id|>",
                    "<|end_of_text|>",
                    "<end_of_turn>",
                    "<turn|>",
                    "<|end|>",
                    "<|eot|>",
                    "<|end_of_turn|>",
                    "<|end_of_role|>",
                    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
                    "</s>");

    /** Keeps the stops' order and lets nobody change them. */
    public Dialect {
        specialTokens = Map.copyOf(specialTokens);
        stops = Collections.unmodifiableSet(new LinkedHashSet<>(stops));
    }

    /**
     * A Hugging Face folder: {@code tokenizer.json}, and where they exist {@code
     * tokenizer_config.json}, {@code chat_template.jinja}, {@code generation_config.json} and
     * {@code config.json}.
     *
     * @throws dev.gyre.config.UserError when the tokenizer is missing or a file is broken
     */
    public static Dialect fromFolder(Path folder) {
        Optional<Tree> config = json(folder, "tokenizer_config.json");
        Optional<ChatTemplate> template = ChatTemplate.fromFolder(folder);
        Map<String, String> special = config.map(ChatTemplate::specialTokens).orElse(Map.of());
        Tokenizer tokenizer = tokenizer(folder.resolve("tokenizer.json"), config, special);
        try {
            var stops = new LinkedHashSet<Integer>();
            Optional<Tree> generation = json(folder, "generation_config.json");
            Optional<Tree> model = json(folder, "config.json");
            int eos = id(tokenizer, special.get("eos_token"));
            if (eos >= 0) stops.add(eos);
            Optional<Tree> ends = generation.flatMap(g -> g.get("eos_token_id"));
            ends.or(() -> model.flatMap(m -> m.get("eos_token_id")))
                    .ifPresent(ids -> each(ids, stops::add));
            int bos = id(tokenizer, special.get("bos_token"));
            if (bos < 0)
                bos = model.flatMap(m -> m.get("bos_token_id")).map(Tree::wholeInt).orElse(-1);
            return of(tokenizer, template, bos, special, stops);
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /**
     * A GGUF file's vocabulary and template.
     *
     * @param template the file's {@code tokenizer.chat_template}
     * @param moreEnds ids that end an answer besides, such as {@code tokenizer.ggml.eot_token_id}
     * @throws dev.gyre.config.UserError when either cannot be used
     */
    public static Dialect of(
            Vocabulary vocabulary, Optional<String> template, Set<Integer> moreEnds) {
        var special = new LinkedHashMap<String, String>();
        List<String> tokens = vocabulary.tokens();
        if (vocabulary.bos() >= 0) special.put("bos_token", tokens.get(vocabulary.bos()));
        if (vocabulary.eos() >= 0) special.put("eos_token", tokens.get(vocabulary.eos()));
        if (vocabulary.unknown() >= 0) special.put("unk_token", tokens.get(vocabulary.unknown()));
        Optional<ChatTemplate> read = template.map(source -> ChatTemplate.of(source, special));
        var stops = new LinkedHashSet<Integer>();
        if (vocabulary.eos() >= 0) stops.add(vocabulary.eos());
        stops.addAll(moreEnds);
        return of(Tokenizer.fromVocabulary(vocabulary), read, vocabulary.bos(), special, stops);
    }

    private static Dialect of(
            Tokenizer tokenizer,
            Optional<ChatTemplate> template,
            int bos,
            Map<String, String> special,
            Set<Integer> known) {
        var stops = new LinkedHashSet<Integer>(known);
        for (String name : ENDS)
            tokenizer
                    .id(name)
                    .ifPresent(
                            id -> {
                                if (tokenizer.isSpecial(id)) stops.add(id);
                            });
        return new Dialect(
                tokenizer, template, bos, stops.stream().findFirst().orElse(-1), special, stops);
    }

    /**
     * The tokenizer, with a beginning and an end token around texts as tokenizer_config.json says
     * when it says so: that goes before what stands in tokenizer.json, as in transformers.
     */
    private static Tokenizer tokenizer(
            Path file, Optional<Tree> config, Map<String, String> special) {
        Tokenizer tokenizer = Tokenizer.fromJson(file);
        Optional<Tree> addBos = config.flatMap(c -> c.get("add_bos_token"));
        Optional<Tree> addEos = config.flatMap(c -> c.get("add_eos_token"));
        if (addBos.isEmpty() && addEos.isEmpty()) return tokenizer;
        try {
            var wanted =
                    new Surround(
                            piece(tokenizer, addBos, special.get("bos_token")),
                            piece(tokenizer, addEos, special.get("eos_token")));
            if (Arrays.equals(tokenizer.encode("", true), wanted.ids())) return tokenizer;
            tokenizer.close();
            return Tokenizer.fromJson(wanted.in(Json.read(file)), file.toString());
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    private static Optional<Surround.Piece> piece(
            Tokenizer tokenizer, Optional<Tree> flag, @Nullable String token) {
        boolean wanted = flag.map(Tree::bool).orElse(false);
        if (token == null || !wanted) return Optional.empty();
        int id = id(tokenizer, token);
        return id < 0 ? Optional.empty() : Optional.of(new Surround.Piece(token, id));
    }

    private static Optional<Tree> json(Path folder, String name) {
        Path file = folder.resolve(name);
        return Files.exists(file) ? Optional.of(Json.read(file)) : Optional.empty();
    }

    /** One id or a list of them. */
    private static void each(Tree ids, Consumer<Integer> action) {
        if (ids.isList()) ids.items().forEach(id -> action.accept(id.wholeInt()));
        else action.accept(ids.wholeInt());
    }

    private static int id(Tokenizer tokenizer, @Nullable String token) {
        return token == null ? -1 : tokenizer.id(token).orElse(-1);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
