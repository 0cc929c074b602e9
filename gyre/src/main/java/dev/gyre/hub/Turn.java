package dev.gyre.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One at a time, among this process's threads and among processes, for whatever a lock file stands
 * for.
 */
final class Turn implements AutoCloseable {
    // a file lock belongs to the whole process, so threads need their own
    private static final ConcurrentHashMap<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

    private final ReentrantLock threads;
    private final FileChannel channel;
    private final FileLock lock;

    private Turn(ReentrantLock threads, FileChannel channel, FileLock lock) {
        this.threads = threads;
        this.channel = channel;
        this.lock = lock;
    }

    /** Waits for it. */
    @SuppressWarnings("LockNotBeforeTry") // the lock is given back in close
    static Turn take(Path file) {
        var threads =
                THREADS.computeIfAbsent(
                        file.toAbsolutePath().normalize(), f -> new ReentrantLock());
        threads.lock();
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            var channel =
                    FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            return new Turn(threads, channel, channel.lock());
        } catch (IOException e) {
            threads.unlock();
            throw HubErrors.unwritable(file, e);
        }
    }

    @Override
    public void close() {
        try {
            lock.release();
            channel.close();
        } catch (IOException e) {
            throw HubErrors.unwritable(Path.of("a lock file"), e);
        } finally {
            threads.unlock();
        }
    }
}
