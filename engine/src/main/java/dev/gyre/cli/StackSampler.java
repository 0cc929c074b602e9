package dev.gyre.cli;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where the threads that compute spend their time: their stacks are looked at every few
 * milliseconds, and each look is shared among the innermost methods of ours that they run and that
 * are no mere wrappers of a tensor operation.
 */
final class StackSampler implements AutoCloseable {
    private static final long PAUSE_MILLIS = 4;
    private static final String OURS = "dev.gyre.";

    /** Wrappers; the kernels below them are operations of their own. */
    private static final String WRAPPERS = "dev.gyre.tensor.";

    private static final String KERNELS = "dev.gyre.tensor.kernel.";

    /** What kernels are made of: the time belongs to those. */
    private static final List<String> TOOLS =
            List.of("Workers", "Lanes", "Machine", "PanelProduct", "Tile", "Turn");

    private final Map<String, Double> looks = new HashMap<>();
    private final Thread caller = Thread.currentThread();
    private final Thread thread;
    private volatile boolean running = true;

    private StackSampler(String threads) {
        thread = Thread.ofPlatform().daemon().name("gyre-sampler").unstarted(() -> run(threads));
    }

    /**
     * Starts to look at all threads whose name begins so, and at this thread while it does not wait
     * for them.
     */
    static StackSampler of(String threads) {
        var sampler = new StackSampler(threads);
        sampler.thread.start();
        return sampler;
    }

    private void run(String threads) {
        while (running) {
            List<String> found =
                    Thread.getAllStackTraces().entrySet().stream()
                            .filter(e -> computes(e.getKey(), threads))
                            .flatMap(e -> operation(e.getValue()).stream())
                            .toList();
            found.forEach(o -> looks.merge(o, 1.0 / found.size(), Double::sum));
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private boolean computes(Thread t, String threads) {
        return t == caller
                ? t.getState() == Thread.State.RUNNABLE
                : t.getName().startsWith(threads);
    }

    private static Optional<String> operation(StackTraceElement[] stack) {
        return Arrays.stream(stack)
                .filter(frame -> isOperation(frame.getClassName()))
                .findFirst()
                .map(frame -> operation(frame.getClassName(), frame.getMethodName()));
    }

    private static boolean isOperation(String name) {
        if (!name.startsWith(OURS)) return false;
        if (name.startsWith(KERNELS)) {
            String simple = name.substring(KERNELS.length());
            return TOOLS.stream().noneMatch(simple::startsWith);
        }
        return !name.startsWith(WRAPPERS);
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
        double all = looks.values().stream().mapToDouble(Double::doubleValue).sum();
        var shares = new LinkedHashMap<String, Double>();
        double rest = 0;
        for (var e :
                looks.entrySet().stream()
                        .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
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
