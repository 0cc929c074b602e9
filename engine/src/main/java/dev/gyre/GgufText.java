package dev.gyre;

import dev.gyre.format.GgufMetadata;
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
