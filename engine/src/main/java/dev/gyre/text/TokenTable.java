package dev.gyre.text;

import dev.gyre.config.Tree;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;

/** Tokens by id and ids by token; the native library tells neither. */
final class TokenTable {
    /**
     * Above the largest vocabulary there is, some 260,000: an id beyond is a broken file, not worth
     * the memory.
     */
    private static final int MOST = 1 << 24;

    private final String[] tokens;
    private final Map<String, Integer> ids;
    private final BitSet special;

    private TokenTable(Map<String, Integer> ids, int size, BitSet special) {
        this.ids = ids;
        this.tokens = new String[size];
        this.special = special;
        ids.forEach((token, id) -> tokens[id] = token);
    }

    /** From a tokenizer.json: the model's vocabulary and the added tokens. */
    static TokenTable of(Tree json) {
        var ids = new HashMap<String, Integer>();
        Tree vocab = json.need("model").need("vocab");
        if (vocab.isList()) {
            List<Tree> items = vocab.items(); // Unigram: pairs of token and score
            for (int i = 0; i < items.size(); i++) {
                List<Tree> pair = items.get(i).items();
                if (pair.isEmpty()) throw items.get(i).wrong("a token and its score");
                ids.put(pair.get(0).text(), i);
            }
        } else {
            vocab.entries().forEach((token, id) -> ids.put(token, checked(id)));
        }
        var special = new BitSet();
        int words = ids.size();
        int next = words;
        for (Tree added : json.get("added_tokens").map(Tree::items).orElse(List.of())) {
            int id = checked(added.need("id"));
            // The library ignores the id and counts on from the vocabulary; another number would be
            // silently wrong.
            Integer listed = ids.putIfAbsent(added.need("content").text(), id);
            int given = listed == null ? next : listed;
            if (id != given)
                throw added.need("id")
                        .wrong(given + ", where the vocabulary has or would get this token");
            next = Math.max(words, id + 1);
            special.set(id, added.boolOr("special", false));
        }
        int size = ids.values().stream().mapToInt(i -> i + 1).max().orElse(0);
        return new TokenTable(ids, size, special);
    }

    static TokenTable of(Vocabulary vocabulary) {
        var ids = new HashMap<String, Integer>();
        var special = new BitSet();
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            ids.put(vocabulary.tokens().get(id), id);
            special.set(id, VocabularyJson.isControl(vocabulary, id));
        }
        return new TokenTable(ids, vocabulary.tokens().size(), special);
    }

    private static int checked(Tree id) {
        int value = id.wholeInt();
        if (value < 0 || value >= MOST) throw id.wrong("a token id from 0 to " + (MOST - 1));
        return value;
    }

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    String token(int id) {
        return Objects.requireNonNullElse(tokens[id], "");
    }

    int size() {
        return tokens.length;
    }

    boolean isSpecial(int id) {
        return id >= 0 && special.get(id);
    }
}
