package dev.gyre.hub;

import java.io.InterruptedIOException;

/** A sleep that turns an interrupt into a failure of the input or output it stands in. */
final class Pause {
    private Pause() {}

    static void millis(long millis) throws InterruptedIOException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
