package dev.gyre.text;

import dev.gyre.config.Json;
import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A {@link Vocabulary} as the text of a {@code tokenizer.json}. */
final class VocabularyJson {
    private static final int[] BYTE_TO_CHAR = byteToChar();
    private static final boolean[] IN_ALPHABET = inAlphabet();

    private VocabularyJson() {}

    static String of(Vocabulary v) {
        if (!v.model().equals("gpt2"))
            throw new UserError(
                    "the GGUF file's vocabulary is of the kind \""
                            + v.model()
                            + "\" (tokenizer.ggml.model); only \"gpt2\", byte-level BPE, is read:"
                            + " use the model's Hugging Face folder");
        var added = new ArrayList<Map<String, Object>>();
        var ids = new LinkedHashMap<String, Integer>();
        for (int id = 0; id < v.tokens().size(); id++) {
            String token = v.tokens().get(id);
            boolean control = isControl(v, id);
            boolean whole = control || v.type(id) == Vocabulary.USER_DEFINED;
            if (whole && !token.isEmpty()) added.add(added(id, token, control));
            ids.put(whole || spelled(token) ? token : spell(token), id);
        }
        var model = new LinkedHashMap<String, @Nullable Object>();
        model.put("type", "BPE");
        model.put("dropout", null);
        model.put("unk_token", null);
        model.put("continuing_subword_prefix", "");
        model.put("end_of_word_suffix", "");
        model.put("fuse_unk", false);
        model.put("byte_fallback", false);
        model.put("ignore_merges", Splits.ignoresMerges(v.pre()));
        model.put("vocab", ids);
        model.put("merges", merges(v, ids));
        var json = new LinkedHashMap<String, @Nullable Object>();
        json.put("version", "1.0");
        json.put("truncation", null);
        json.put("padding", null);
        json.put("added_tokens", added);
        json.put("normalizer", null);
        json.put("pre_tokenizer", Splits.preTokenizer(v.pre()));
        Optional<Surround.Piece> bos =
                v.addBos()
                        ? Optional.of(new Surround.Piece(v.tokens().get(v.bos()), v.bos()))
                        : Optional.empty();
        json.put("post_processor", new Surround(bos, Optional.empty()).postProcessor());
        json.put(
                "decoder",
                Map.of(
                        "type",
                        "ByteLevel",
                        "add_prefix_space",
                        true,
                        "trim_offsets",
                        true,
                        "use_regex",
                        true));
        json.put("model", model);
        return Json.write(json);
    }

    /**
     * Control tokens, and those that the file names as beginning, ending or unknown whatever their
     * type says.
     */
    static boolean isControl(Vocabulary v, int id) {
        return v.type(id) == Vocabulary.CONTROL
                || id == v.bos()
                || id == v.eos()
                || id == v.unknown();
    }

    private static Map<String, Object> added(int id, String token, boolean special) {
        var map = new LinkedHashMap<String, Object>();
        map.put("id", id);
        map.put("content", token);
        map.put("single_word", false);
        map.put("lstrip", false);
        map.put("rstrip", false);
        map.put("normalized", false);
        map.put("special", special);
        return map;
    }

    private static List<List<String>> merges(Vocabulary v, Map<String, Integer> ids) {
        var pairs = new ArrayList<List<String>>(v.merges().size());
        for (String merge : v.merges()) {
            int space = merge.indexOf(' ', 1);
            if (space < 0 || space == merge.length() - 1)
                throw new UserError(
                        "tokenizer.ggml.merges[%d] is \"%s\"; two tokens with a space between are wanted"
                                .formatted(pairs.size(), merge));
            String left = merge.substring(0, space);
            String right = merge.substring(space + 1);
            for (String part : List.of(left, right, left + right))
                if (!ids.containsKey(part))
                    throw new UserError(
                            "tokenizer.ggml.merges[%d] is \"%s\", and \"%s\" is no token of the vocabulary"
                                    .formatted(pairs.size(), merge, part));
            pairs.add(List.of(left, right));
        }
        return pairs;
    }

    private static boolean spelled(String token) {
        return token.chars().allMatch(c -> c < IN_ALPHABET.length && IN_ALPHABET[c]);
    }

    /** The token's UTF-8 bytes in the byte-level alphabet. */
    private static String spell(String token) {
        var out = new StringBuilder();
        for (byte b : token.getBytes(StandardCharsets.UTF_8))
            out.append((char) BYTE_TO_CHAR[b & 0xff]);
        return out.toString();
    }

    /** GPT-2's alphabet: a printable byte is its own character, the others follow from 256 on. */
    private static int[] byteToChar() {
        int[] table = new int[256];
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
            table[b] = printable ? b : next++;
        }
        return table;
    }

    private static boolean[] inAlphabet() {
        boolean[] in = new boolean[512];
        for (int c : BYTE_TO_CHAR) in[c] = true;
        return in;
    }
}
