package dev.gyre.text;

import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * What in a tokenizer.json the native library would panic on. A panic ends the process, so a file
 * that would cause one is refused beforehand; all else that is wrong the library reports itself.
 */
final class Hazards {
    private Hazards() {}

    static void check(Tree json) {
        Tree model = json.need("model");
        prefixes(model);
        json.get("normalizer").ifPresent(Hazards::steps);
        json.get("decoder").ifPresent(Hazards::steps);
        json.get("post_processor").ifPresent(Hazards::steps);
    }

    /** A merge whose second half lacks the prefix that the library cuts off it. */
    private static void prefixes(Tree model) {
        String prefix = model.textOr("continuing_subword_prefix", "");
        if (prefix.isEmpty() || !model.textOr("type", "BPE").equals("BPE")) return;
        for (Tree merge : model.get("merges").map(Tree::items).orElse(List.of())) {
            String second =
                    merge.isText()
                            ? merge.text().substring(merge.text().indexOf(' ') + 1)
                            : merge.items().isEmpty() ? "" : merge.items().getLast().text();
            if (!second.startsWith(prefix))
                throw merge.wrong("two tokens of which the second begins with \"" + prefix + "\"");
        }
    }

    /** Normalizers, decoders and post-processors, those inside a sequence among them. */
    private static void steps(Tree step) {
        if (!step.isMap()) return;
        switch (step.textOr("type", "")) {
            case "Sequence" -> {
                for (String list : List.of("normalizers", "decoders", "processors"))
                    step.get(list).ifPresent(steps -> steps.items().forEach(Hazards::steps));
            }
            case "TemplateProcessing" -> {
                Map<String, Tree> known =
                        step.get("special_tokens").map(Tree::entries).orElse(Map.of());
                for (String key : List.of("single", "pair"))
                    for (Tree piece : step.get(key).map(Tree::items).orElse(List.of()))
                        named(piece, known);
            }
            case "Strip" -> {
                if (step.get("content").isPresent() && step.wholeOr("stop", 0) > 0)
                    throw step.need("stop").wrong("0: stripping at the end is not supported");
            }
            case "Precompiled" -> step.get("precompiled_charsmap").ifPresent(Hazards::charsMap);
            default -> {}
        }
    }

    private static void named(Tree piece, Map<String, Tree> known) {
        if (!piece.isMap() || piece.get("SpecialToken").isEmpty()) return;
        Tree id = piece.need("SpecialToken").need("id");
        if (!known.containsKey(id.text())) throw id.wrong("a key of special_tokens");
    }

    /** The length of a trie in bytes, little endian, the trie, and text. */
    private static void charsMap(Tree map) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(map.text());
        } catch (IllegalArgumentException e) {
            UserError wrong = map.wrong("text in Base64");
            wrong.initCause(e);
            throw wrong;
        }
        long trie =
                bytes.length < 4
                        ? -1
                        : (bytes[0] & 0xffL)
                                | (bytes[1] & 0xffL) << 8
                                | (bytes[2] & 0xffL) << 16
                                | (bytes[3] & 0xffL) << 24;
        if (trie < 4 || trie % 4 != 0 || trie > bytes.length - 4)
            throw map.wrong("a compiled map of characters");
    }
}
