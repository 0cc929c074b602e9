package dev.gyre.text;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * A {@code tokenizer.json} of byte-level BPE as a {@link Vocabulary}, the inverse of {@link
 * VocabularyJson}.
 */
final class JsonVocabulary {
    private static final int NORMAL = 1;

    /** The kind of an id that stands for nothing. */
    private static final int UNUSED = 5;

    /** More ids than any vocabulary has. */
    private static final int MAX_IDS = 1 << 24;

    private JsonVocabulary() {}

    static Vocabulary of(Path file, int size, int bos, int eos, boolean addBos) {
        Tree json = Json.read(file);
        Tree model = json.need("model");
        if (!model.need("type").text().equals("BPE"))
            throw model.need("type").wrong("\"BPE\", the one kind that a GGUF file gets here");
        Tree split = json.get("pre_tokenizer").orElse(json);
        String pre = Splits.name(split);
        if (size < 1 || size > MAX_IDS)
            throw json.wrong("a vocabulary of 1 to " + MAX_IDS + " ids, not " + size);
        var tokens = new ArrayList<String>(size);
        for (int id = 0; id < size; id++) tokens.add("[PAD" + id + "]");
        int[] types = new int[size];
        Arrays.fill(types, UNUSED);
        model.need("vocab").entries().forEach((token, id) -> put(tokens, types, id, token, NORMAL));
        for (Tree added : json.get("added_tokens").map(Tree::items).orElse(List.of()))
            put(
                    tokens,
                    types,
                    added.need("id"),
                    added.need("content").text(),
                    added.boolOr("special", false) ? Vocabulary.CONTROL : Vocabulary.USER_DEFINED);
        var merges = new ArrayList<String>();
        for (Tree merge : model.get("merges").map(Tree::items).orElse(List.of()))
            merges.add(
                    merge.isList()
                            ? String.join(" ", merge.items().stream().map(Tree::text).toList())
                            : merge.text());
        return new Vocabulary(
                "gpt2",
                pre,
                Collections.unmodifiableList(tokens),
                types,
                merges,
                bos,
                eos,
                -1,
                addBos);
    }

    private static void put(List<String> tokens, int[] types, Tree id, String token, int type) {
        int at = id.wholeInt();
        if (at < 0 || at >= tokens.size())
            throw id.wrong("an id below the model's vocab_size, " + tokens.size());
        tokens.set(at, token);
        types[at] = type;
    }
}
