package dev.gyre.hub;

/** Hears what a person may want to know while a model is fetched. */
public interface Progress {
    /** A sentence. */
    void say(String sentence);

    /**
     * Bytes have arrived.
     *
     * @param what the file or package
     * @param done bytes so far, those of an earlier run included
     * @param total 0 when nobody knows
     */
    void fetched(String what, long done, long total);

    /** One that hears nothing. */
    static Progress silent() {
        return new Progress() {
            @Override
            public void say(String sentence) {}

            @Override
            public void fetched(String what, long done, long total) {}
        };
    }
}
