package dev.gyre.tensor.kernel;

import dev.gyre.tensor.Torch;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Threads that share out a kernel's independent parts. They sleep between kernels, so that the
 * cores belong to libtorch's and MKL's own threads then. Which thread does a part never changes a
 * result.
 */
public final class Workers {
    /** A stretch of parts. */
    @FunctionalInterface
    public interface Body {
        /** Does the parts from … to−1. */
        void run(int from, int to);
    }

    private static final ReentrantLock ONE_AT_A_TIME = new ReentrantLock();
    private static Worker[] workers = {};

    private Workers() {}

    /** Does all parts, on up to {@link Torch#threads()} threads, this one among them. */
    public static void share(int parts, Body body) {
        int threads = Math.min(Torch.threads(), parts);
        // Another thread's kernel holds the workers: a second set would only compete for the cores.
        // So does a body of this thread that shares out again, whose parts they are still at.
        if (threads <= 1 || ONE_AT_A_TIME.isHeldByCurrentThread() || !ONE_AT_A_TIME.tryLock()) {
            body.run(0, parts);
            return;
        }
        try {
            grow(threads - 1);
            for (int t = 1; t < threads; t++)
                workers[t - 1].start(body, from(t, threads, parts), from(t + 1, threads, parts));
            Throwable failure = null;
            try {
                body.run(0, from(1, threads, parts));
            } catch (RuntimeException | Error e) {
                failure = e;
            }
            for (int t = 1; t < threads; t++) {
                Throwable theirs = workers[t - 1].await();
                if (failure == null) failure = theirs;
            }
            if (failure instanceof RuntimeException e) throw e;
            if (failure instanceof Error e) throw e;
        } finally {
            ONE_AT_A_TIME.unlock();
        }
    }

    private static int from(int thread, int threads, int parts) {
        return (int) ((long) parts * thread / threads);
    }

    private static void grow(int count) {
        if (workers.length >= count) return;
        var more = java.util.Arrays.copyOf(workers, count);
        for (int i = workers.length; i < count; i++) {
            more[i] = new Worker();
            more[i].thread.start();
        }
        workers = more;
    }

    private static final class Worker implements Runnable {
        final Thread thread = Thread.ofPlatform().daemon().name("gyre-kernel").unstarted(this);
        private volatile @Nullable Body task;
        private volatile @Nullable Thread waiting;
        private int from;
        private int to;
        private @Nullable Throwable failure;

        void start(Body body, int from, int to) {
            this.from = from;
            this.to = to;
            failure = null;
            task = body;
            LockSupport.unpark(thread);
        }

        /** Spins for a while, because the parts are alike and end together. */
        @Nullable Throwable await() {
            for (int i = 0; task != null && i < 20_000; i++) Thread.onSpinWait();
            if (task != null) {
                waiting = Thread.currentThread();
                while (task != null) LockSupport.park(this);
                waiting = null;
            }
            return failure;
        }

        @Override
        public void run() {
            while (true) {
                Body body = task;
                if (body == null) {
                    LockSupport.park(this);
                    continue;
                }
                try {
                    body.run(from, to);
                } catch (RuntimeException | Error e) {
                    failure = e;
                }
                task = null;
                Thread asleep = waiting;
                if (asleep != null) LockSupport.unpark(asleep);
            }
        }
    }
}
