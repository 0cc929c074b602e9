package dev.gyre.data;

import dev.gyre.config.Tree;

import java.util.List;

/** A layout of rows: a line in the registry {@link Formats}. */
public interface Format {
    /** Refuses keys that are not known, unless they are allowed. */
    @FunctionalInterface
    interface KeyCheck {
        /**
         * Looks at the keys of a map.
         *
         * @param what what the map is, for the message
         */
        void check(Tree map, String what, List<String> known);
    }

    /** The name, as recipes give it. */
    String name();

    /** The keys of a row; all are needed. The row itself is checked before it is read. */
    List<String> keys();

    /**
     * The example that a row is.
     *
     * @param keys for the maps inside the row
     * @throws dev.gyre.config.UserError when a value is not what it should be
     */
    Example read(Tree row, KeyCheck keys);
}
