package dev.gyre.text;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The tokens that a tokenizer puts around every text, as the {@code post_processor} of a
 * tokenizer.json.
 *
 * @param before at most one
 * @param after at most one
 */
record Surround(Optional<Piece> before, Optional<Piece> after) {
    /** A token and its id. */
    record Piece(String token, int id) {}

    /** What {@code tokenizer.encode("", true)} gives under it. */
    int[] ids() {
        return Stream.concat(before.stream(), after.stream()).mapToInt(Piece::id).toArray();
    }

    Map<String, Object> postProcessor() {
        var single = new ArrayList<Map<String, Object>>();
        before.ifPresent(p -> single.add(special(p)));
        single.add(Map.of("Sequence", Map.of("id", "A", "type_id", 0)));
        after.ifPresent(p -> single.add(special(p)));
        var pair = new ArrayList<>(single);
        before.ifPresent(p -> pair.add(special(p)));
        pair.add(Map.of("Sequence", Map.of("id", "B", "type_id", 1)));
        after.ifPresent(p -> pair.add(special(p)));
        var tokens = new LinkedHashMap<String, Object>();
        for (Optional<Piece> piece : List.of(before, after))
            piece.ifPresent(
                    p ->
                            tokens.put(
                                    p.token,
                                    Map.of(
                                            "id",
                                            p.token,
                                            "ids",
                                            List.of(p.id),
                                            "tokens",
                                            List.of(p.token))));
        return Map.of(
                "type",
                "TemplateProcessing",
                "single",
                single,
                "pair",
                pair,
                "special_tokens",
                tokens);
    }

    /** A tokenizer.json with this in place of what it has. */
    String in(Tree json) {
        var all = new LinkedHashMap<String, @Nullable Object>();
        json.entries().forEach((key, value) -> all.put(key, value.plain()));
        all.put("post_processor", postProcessor());
        return Json.write(all);
    }

    private static Map<String, Object> special(Piece piece) {
        return Map.of("SpecialToken", Map.of("id", piece.token, "type_id", 0));
    }
}
