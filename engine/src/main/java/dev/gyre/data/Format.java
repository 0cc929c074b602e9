package dev.gyre.data;

import dev.gyre.config.Tree;
import java.util.Set;

/** A layout of rows: a line in the registry {@link Formats}. */
public interface Format {
    /** The name, as recipes give it. */
    String name();

    /** The keys of a row; all are needed. */
    Set<String> keys();

    /** The example that a row is. @throws dev.gyre.config.UserError when a value is not what it should be */
    Example read(Tree row);
}
