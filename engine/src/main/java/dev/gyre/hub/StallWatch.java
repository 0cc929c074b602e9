package dev.gyre.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** Closes a stream that has sent nothing for a while, which ends the read that waits on it. */
final class StallWatch implements AutoCloseable {
    private static final long LIMIT_NANOS = 30_000_000_000L;
    private volatile long last = System.nanoTime();
    private final Thread thread;

    StallWatch(InputStream watched) {
        thread = Thread.ofVirtual().name("download watch").start(() -> watch(watched));
    }

    void alive() {
        last = System.nanoTime();
    }

    private void watch(InputStream watched) {
        try {
            while (System.nanoTime() - last < LIMIT_NANOS) Thread.sleep(500);
            watched.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the download ended
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
