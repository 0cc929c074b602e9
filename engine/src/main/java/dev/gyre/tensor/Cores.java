package dev.gyre.tensor;

import org.bytedeco.pytorch.global.torch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Threads that each keep to one core: libtorch, the BLAS and the kernels on such a thread share
 * nothing out. Independent work done so never waits for another core between two operations, which
 * sharing out each operation does.
 */
public final class Cores {
    private static final List<ExecutorService> THREADS = new ArrayList<>();
    private static final ThreadLocal<Boolean> ON_CORE = ThreadLocal.withInitial(() -> false);
    private static volatile int atWork = 1;

    private Cores() {}

    /** Cores that gain by working apart: {@link Torch#threads()}, and one before a GPU. */
    public static int count() {
        return Device.current() == Device.CPU ? Torch.threads() : 1;
    }

    /**
     * Does the work of each index from 0 to count−1 on a core of its own, all at once, and waits
     * for all. Work that is on a core already stays there, one index after another.
     *
     * @param count at most {@link #count()} for a gain
     * @return the results in order
     */
    public static <T> List<T> each(int count, IntFunction<T> work) {
        return ON_CORE.get()
                ? IntStream.range(0, count).mapToObj(work).toList()
                : shared(count, work);
    }

    /** How many of {@link #each}'s indices are at work at the same time; 1 outside of it. */
    public static int atWork() {
        return ON_CORE.get() ? atWork : 1;
    }

    private static synchronized <T> List<T> shared(int count, IntFunction<T> work) {
        atWork = count;
        while (THREADS.size() < count) THREADS.add(thread(THREADS.size()));
        var running = new ArrayList<Future<T>>();
        for (int i = 0; i < count; i++) {
            int index = i;
            running.add(THREADS.get(i).submit(() -> work.apply(index)));
        }
        var results = new ArrayList<T>();
        Throwable failure = null;
        for (Future<T> one : running) {
            try {
                results.add(one.get());
            } catch (ExecutionException e) {
                if (failure == null) failure = e.getCause();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while other cores work", e);
            }
        }
        if (failure instanceof RuntimeException e) throw e;
        if (failure instanceof Error e) throw e;
        return results;
    }

    private static ExecutorService thread(int index) {
        var one =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().daemon().name("gyre-core-" + index).factory());
        int before = Torch.threads();
        try {
            one.submit(Cores::keepToOneThread).get(1, TimeUnit.MINUTES);
        } catch (Exception e) {
            throw new IllegalStateException("a thread for one core did not start", e);
        }
        // libtorch remembers the last number set on any thread, for threads to come.
        torch.set_num_threads(before);
        return one;
    }

    private static void keepToOneThread() {
        ON_CORE.set(true);
        // A thread takes the process's number at its first question, which would undo the next
        // line.
        torch.get_num_threads();
        torch.set_num_threads(1);
        Blas.threadsHere(1);
    }
}
