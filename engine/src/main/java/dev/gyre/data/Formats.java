package dev.gyre.data;

import dev.gyre.config.NearMiss;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.List;

/** The registry of row formats. Adding one is its file and its line here. */
public final class Formats {
    public static final List<Format> ALL =
            List.of(new MessagesFormat(), new PromptCompletionFormat());

    private Formats() {}

    /**
     * The format of this name.
     *
     * @throws UserError naming the nearest one
     */
    public static Format named(String name) {
        return ALL.stream()
                .filter(f -> f.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new UserError(
                                        "unknown data format \""
                                                + name
                                                + "\""
                                                + NearMiss.hint(
                                                        name,
                                                        ALL.stream().map(Format::name).toList())));
    }

    /**
     * The format whose keys a row has.
     *
     * @throws UserError when no format has them
     */
    static Format of(Tree row) {
        var keys = row.entries().keySet();
        // Exports of tables have every column in every row, those of other formats null.
        return ALL.stream()
                .filter(f -> f.keys().stream().allMatch(k -> row.get(k).isPresent()))
                .findFirst()
                .or(() -> ALL.stream().filter(f -> keys.containsAll(f.keys())).findFirst())
                .orElseThrow(() -> unknown(row, List.copyOf(keys)));
    }

    private static UserError unknown(Tree row, List<String> keys) {
        var known = ALL.stream().flatMap(f -> f.keys().stream()).toList();
        // A slip in one key is the likeliest reason.
        String slip =
                keys.stream()
                        .filter(k -> !known.contains(k) && NearMiss.of(k, known).isPresent())
                        .findFirst()
                        .map(k -> "; \"" + k + "\"" + NearMiss.hint(k, known).replace(";", ":"))
                        .orElse("");
        return new UserError(
                "%s: a row with the keys %s is of no known format; known: %s%s"
                        .formatted(
                                row.where(),
                                keys.size() > 10 ? keys.subList(0, 10) + " and more" : keys,
                                String.join(
                                        "; ",
                                        ALL.stream()
                                                .map(f -> f.name() + " with " + f.keys())
                                                .toList()),
                                slip));
    }
}
