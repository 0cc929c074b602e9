package dev.gyre.hub;

/**
 * Hears how far a download is. Called from the thread that asked for the model, several times a
 * second.
 */
@FunctionalInterface
public interface Progress {
    /** Hears nothing. */
    Progress NONE = (label, done, total) -> {};

    /**
     * One more piece has come.
     *
     * @param label what is being fetched
     * @param done bytes here so far
     * @param total bytes in all; -1 when nobody knows
     */
    void at(String label, long done, long total);
}
