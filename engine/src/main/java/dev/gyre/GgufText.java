package dev.gyre;

import dev.gyre.format.GgufKeys;
import dev.gyre.format.GgufMetadata;
import dev.gyre.format.GgufType;
import dev.gyre.text.Dialect;
import dev.gyre.text.Vocabulary;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What a GGUF file's {@code tokenizer.*} keys say of its model's text. */
final class GgufText {
    /** Keys that name a token at which an answer ends, beside the end of text. */
    private static final List<String> ENDS =
            List.of("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id");

    private GgufText() {}

    /**
     * The vocabulary with the template, and every end that the file names.
     *
     * @throws dev.gyre.config.UserError when the file lacks a vocabulary, or one cannot be used
     */
    static Dialect dialect(GgufMetadata m) {
        Optional<String> template =
                m.has("tokenizer.chat_template")
                        ? Optional.of(m.text("tokenizer.chat_template"))
                        : Optional.empty();
        Set<Integer> ends = new LinkedHashSet<>();
        for (String key : ENDS) if (m.has(key)) ends.add(m.size(key));
        return Dialect.of(vocabulary(m), template, ends);
    }

    /**
     * Sets these keys to what a Hugging Face folder says of its model's text.
     *
     * @throws dev.gyre.config.UserError when a GGUF file cannot say it
     */
    static void describe(Base base, GgufKeys keys) {
        Dialect dialect = base.dialect();
        int[] around = base.tokenizer().encode("", true);
        boolean addBos = around.length > 0 && around[0] == dialect.bos();
        var v =
                Vocabulary.ofJson(
                        base.place().resolve("tokenizer.json"),
                        base.model().vocabulary(),
                        dialect.bos(),
                        dialect.eos(),
                        addBos);
        keys.text("tokenizer.ggml.model", v.model())
                .text("tokenizer.ggml.pre", v.pre())
                .list("tokenizer.ggml.tokens", GgufType.TEXT, v.tokens())
                .list(
                        "tokenizer.ggml.token_type",
                        GgufType.I32,
                        Arrays.stream(v.types()).boxed().toList())
                .list("tokenizer.ggml.merges", GgufType.TEXT, v.merges())
                .set("tokenizer.ggml.add_bos_token", GgufType.BOOL, addBos);
        if (v.bos() >= 0) keys.size("tokenizer.ggml.bos_token_id", v.bos());
        if (v.eos() >= 0) keys.size("tokenizer.ggml.eos_token_id", v.eos());
        dialect.template().ifPresent(t -> keys.text("tokenizer.chat_template", t.source()));
    }

    /** The vocabulary alone. */
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
                Arrays.stream(types).mapToInt(Math::toIntExact).toArray(),
                m.has("tokenizer.ggml.merges") ? m.texts("tokenizer.ggml.merges") : List.of(),
                bos,
                m.sizeOr("tokenizer.ggml.eos_token_id", -1),
                m.sizeOr("tokenizer.ggml.unknown_token_id", -1),
                m.boolOr("tokenizer.ggml.add_bos_token", false) && bos >= 0);
    }
}
