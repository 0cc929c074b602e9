package dev.gyre.train;

import dev.gyre.config.Bind;
import dev.gyre.config.NearMiss;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * A file of training rows. Written as a map {@code {path: tickets.jsonl, format: messages}} or in
 * one word {@code PATH[:FORMAT]}.
 *
 * @param format what its rows are; {@code auto} looks at the first row
 */
public record DataSource(Path path, String format) implements Bind.Plain {
    /** The formats of rows that can be named. */
    public static final List<String> FORMATS = List.of("auto", "messages", "prompt-completion");

    public DataSource {
        if (!FORMATS.contains(format))
            throw new UserError(
                    "unknown data format \"" + format + "\"" + NearMiss.hint(format, FORMATS));
    }

    public static DataSource of(String word) {
        return read(Tree.of(word, "data", ""));
    }

    /**
     * Reads either way of writing it. A colon belongs to the path unless a format's name, or a slip
     * of one, follows.
     */
    public static DataSource read(Tree tree) {
        if (tree.isMap()) {
            record Pair(Path path, String format) {}
            var map = new LinkedHashMap<>(tree.entries());
            map.putIfAbsent("format", Tree.of("auto", tree.source(), "format"));
            Pair pair =
                    Bind.record(new Tree(map, tree.source(), tree.line(), tree.path()), Pair.class);
            return checked(tree, pair.path(), pair.format());
        }
        String text = tree.text();
        int colon = text.lastIndexOf(':');
        String tail = text.substring(colon + 1);
        boolean named = colon > 0 && !tail.contains("/") && NearMiss.of(tail, FORMATS).isPresent();
        return checked(
                tree, Path.of(named ? text.substring(0, colon) : text), named ? tail : "auto");
    }

    private static DataSource checked(Tree tree, Path path, String format) {
        if (!FORMATS.contains(format))
            throw new UserError(
                    "%s: unknown data format \"%s\"%s"
                            .formatted(tree.where(), format, NearMiss.hint(format, FORMATS)));
        return new DataSource(path, format);
    }

    @Override
    public Object plain() {
        var out = new LinkedHashMap<String, Object>();
        out.put("path", path.toString());
        out.put("format", format);
        return out;
    }
}
