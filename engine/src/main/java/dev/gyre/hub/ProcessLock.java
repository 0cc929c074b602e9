package dev.gyre.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/** One thread of one process at a time may hold it; freed by the system when the process dies. */
final class ProcessLock implements AutoCloseable {
    private static final ConcurrentHashMap<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();
    private static final long PAUSE_MS = 200;
    private final ReentrantLock threads;
    private final FileChannel channel;

    private ProcessLock(ReentrantLock threads, FileChannel channel) {
        this.threads = threads;
        this.channel = channel;
    }

    /** Waits until the lock is free; the file stays, as removing it would let two in. */
    static ProcessLock take(Path file, String label, Progress progress) throws IOException {
        Path parent = file.toAbsolutePath().getParent();
        if (parent != null) Files.createDirectories(parent);
        // file locks are the process's, not the thread's: threads need their own
        var threads = THREADS.computeIfAbsent(file.toAbsolutePath(), f -> new ReentrantLock());
        threads.lock();
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            while (channel.tryLock() == null) {
                progress.at("waiting for another process: " + label, 0, -1);
                Pause.millis(PAUSE_MS);
            }
            return new ProcessLock(threads, channel);
        } catch (IOException | RuntimeException e) {
            if (channel != null) channel.close();
            threads.unlock();
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            threads.unlock();
        }
    }
}
