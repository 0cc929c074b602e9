package dev.gyre.cli;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where threads that compute spend their time: their stacks are looked at every few milliseconds,
 * and each look counts for the innermost method of ours that is no mere wrapper of a tensor
 * operation.
 */
final class StackSampler implements AutoCloseable {
    private static final long PAUSE_MILLIS = 4;
    private static final String OURS = "dev.gyre.";

    /** Wrappers; the kernels below them are operations of their own. */
    private static final String WRAPPERS = "dev.gyre.tensor.";

    private static final String KERNELS = "dev.gyre.tensor.kernel.";

    private final Map<String, Integer> counts = new HashMap<>();
    private final Thread thread;
    private volatile boolean running = true;

    private StackSampler(String threads) {
        thread = Thread.ofPlatform().daemon().name("gyre-sampler").unstarted(() -> run(threads));
    }

    /** Starts to look at all threads whose name begins so. */
    static StackSampler of(String threads) {
        var sampler = new StackSampler(threads);
        sampler.thread.start();
        return sampler;
    }

    private void run(String threads) {
        while (running) {
            Thread.getAllStackTraces()
                    .forEach(
                            (t, stack) -> {
                                if (t.getName().startsWith(threads)) count(stack);
                            });
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void count(StackTraceElement[] stack) {
        for (StackTraceElement frame : stack) {
            String name = frame.getClassName();
            if (!name.startsWith(OURS)) continue;
            if (name.startsWith(KERNELS + "Workers") || name.startsWith(KERNELS + "Lanes"))
                continue;
            if (name.startsWith(WRAPPERS) && !name.startsWith(KERNELS)) continue;
            counts.merge(operation(name, frame.getMethodName()), 1, Integer::sum);
            return;
        }
    }

    private static String operation(String type, String method) {
        String simple = type.substring(type.lastIndexOf('.') + 1);
        int inner = simple.indexOf('$');
        String name = inner < 0 ? simple : simple.substring(0, inner);
        // A lambda belongs to the method that it was written in.
        String own = method.startsWith("lambda$") ? method.split("\\$", -1)[1] : method;
        return name + "." + own;
    }

    /** Stops; each operation's share of all looks, the largest first, those under 1 % together. */
    Map<String, Double> stop() {
        close();
        double all = counts.values().stream().mapToInt(Integer::intValue).sum();
        var shares = new LinkedHashMap<String, Double>();
        double rest = 0;
        for (var e :
                counts.entrySet().stream()
                        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                        .toList()) {
            double share = e.getValue() / all;
            if (share < 0.01) rest += share;
            else shares.put(e.getKey(), Math.rint(1000 * share) / 1000);
        }
        if (rest > 0) shares.put("other", Math.rint(1000 * rest) / 1000);
        return shares;
    }

    @Override
    public void close() {
        running = false;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
