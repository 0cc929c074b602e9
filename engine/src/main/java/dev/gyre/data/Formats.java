package dev.gyre.data;

import dev.gyre.config.NearMiss;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import java.util.List;
import java.util.Set;

/** The registry of row formats. Adding one is its file and its line here. */
public final class Formats {
    public static final List<Format> ALL = List.of(new MessagesFormat(), new PromptCompletionFormat());

    private Formats() {}

    /** The format of this name. @throws UserError naming the nearest one */
    public static Format named(String name) {
        return ALL.stream()
                .filter(f -> f.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new UserError("unknown data format \"" + name + "\""
                        + NearMiss.hint(name, ALL.stream().map(Format::name).toList())));
    }

    /** The format whose keys a row has. @throws UserError when no format has them */
    static Format of(Tree row) {
        Set<String> keys = row.entries().keySet();
        return ALL.stream()
                .filter(f -> keys.containsAll(f.keys()))
                .findFirst()
                .orElseThrow(() -> new UserError("%s: a row with the keys %s is of no known format; known: %s"
                        .formatted(row.where(), keys, String.join(
                                "; ", ALL.stream().map(f -> f.name() + " with " + f.keys()).toList()))));
    }
}
