package dev.gyre.text;

import dev.gyre.config.UserError;

import java.nio.file.Path;
import java.util.List;

/**
 * The vocabulary of a GGUF file, as its {@code tokenizer.ggml.*} keys give it.
 *
 * @param model {@code tokenizer.ggml.model}: {@code gpt2} is byte-level BPE, the one kind that is
 *     read
 * @param pre {@code tokenizer.ggml.pre}: how text is split before the merges; empty when the file
 *     is silent
 * @param tokens the token of each id, in the byte-level alphabet
 * @param types the kind of each token: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6
 *     byte; empty when all are normal
 * @param merges two tokens with a space between, best first
 * @param bos id of the token that begins a text; -1 when there is none
 * @param eos id of the token that ends a text or a turn; -1 when there is none
 * @param unknown id of the token for what cannot be written; -1 when there is none
 * @param addBos whether an encoded text begins with {@code bos}
 */
@SuppressWarnings("ArrayRecordComponent") // copied on the way in and out
public record Vocabulary(
        String model,
        String pre,
        List<String> tokens,
        int[] types,
        List<String> merges,
        int bos,
        int eos,
        int unknown,
        boolean addBos) {
    /**
     * The kind of a token that stands for no text: it is matched whole and left out of plain text.
     */
    static final int CONTROL = 3;

    /** The kind of a token that is matched whole and is text. */
    static final int USER_DEFINED = 4;

    /** Checks that the parts fit together. */
    public Vocabulary {
        tokens = List.copyOf(tokens);
        merges = List.copyOf(merges);
        types = types.clone();
        if (tokens.isEmpty())
            throw new UserError("the vocabulary has no tokens (tokenizer.ggml.tokens)");
        if (types.length != 0 && types.length != tokens.size())
            throw new UserError(
                    "the vocabulary has %d tokens and %d token types; tokenizer.ggml.token_type needs one each"
                            .formatted(tokens.size(), types.length));
        inRange("bos_token_id", bos, tokens.size());
        inRange("eos_token_id", eos, tokens.size());
        inRange("unknown_token_id", unknown, tokens.size());
        if (addBos && bos < 0)
            throw new UserError(
                    "the vocabulary wants texts to begin with a token"
                            + " (tokenizer.ggml.add_bos_token) and names none"
                            + " (tokenizer.ggml.bos_token_id)");
    }

    /**
     * The vocabulary of a Hugging Face folder's {@code tokenizer.json}.
     *
     * @param size ids of the model; those without a token become unused ones
     * @throws UserError when it is not byte-level BPE, or splits text in a way that GGUF cannot
     *     name
     */
    public static Vocabulary ofJson(Path file, int size, int bos, int eos, boolean addBos) {
        return JsonVocabulary.of(file, size, bos, eos, addBos);
    }

    private static void inRange(String key, int id, int size) {
        if (id < -1 || id >= size)
            throw new UserError(
                    "tokenizer.ggml.%s is %d; the vocabulary has the ids 0 to %d"
                            .formatted(key, id, size - 1));
    }

    @Override
    public int[] types() {
        return types.clone();
    }

    int type(int id) {
        return types.length == 0 ? 1 : types[id];
    }

    /** The same as the text of a {@code tokenizer.json}. */
    public String tokenizerJson() {
        return VocabularyJson.of(this);
    }
}
