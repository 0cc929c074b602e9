package dev.gyre.text;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/** Reads the goldens beside their {@code make.py}. */
public final class Goldens {
    @SuppressWarnings("ArrayRecordComponent") // read once
    record Row(String text, int[] ids, int[] offsets, String decoded, String plain) {
        @Override
        public String toString() {
            return Json.write(text);
        }
    }

    private Goldens() {}

    /** A file under {@code golden}. */
    public static String text(String name) {
        try (InputStream in = Goldens.class.getResourceAsStream("/golden/" + name)) {
            return new String(
                    Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Tree json(String name) {
        return Json.read(text(name), name);
    }

    static List<Row> rows(String name) {
        return json("tokens/" + name).items().stream()
                .map(
                        r ->
                                new Row(
                                        r.need("text").text(),
                                        ints(r.need("ids")),
                                        ints(r.need("offsets")),
                                        r.need("decoded").text(),
                                        r.need("plain").text()))
                .toList();
    }

    static int[] ints(Tree list) {
        return list.items().stream().mapToInt(Tree::wholeInt).toArray();
    }

    static List<String> texts(Tree list) {
        return list.items().stream().map(Tree::text).toList();
    }

    /** The small vocabulary, under another way of splitting and perhaps with a beginning token. */
    static Vocabulary small(String pre, boolean addBos) {
        Tree v = json("tokens/small.json");
        return new Vocabulary(
                v.need("model").text(),
                pre,
                texts(v.need("tokens")),
                ints(v.need("types")),
                texts(v.need("merges")),
                v.need("bos").wholeInt(),
                v.need("eos").wholeInt(),
                v.need("unknown").wholeInt(),
                addBos);
    }
}
