package dev.gyre.model;

/**
 * A named place of a model where an adapter may act and no weight stands.
 *
 * @param width of the rows there; of a prefix, Hkv·D
 */
public record HookPoint(String name, Kind kind, long width) {
    /** What a hook point is in its model, and the {@link Hook} that fits there. */
    public enum Kind {
        /** The rows of the token embedding ({@link Hook.Mapped}). */
        EMBEDDED,
        /** The beginning of each sequence ({@link Hook.VirtualTokens}). */
        BEGINNING,
        /** The keys and values of a layer, in the layers' order ({@link Hook.Prefix}). */
        PREFIX,
        /** The rows that the output head sees ({@link Hook.Mapped}). */
        HEAD
    }
}
