package dev.gyre.cli;

import dev.gyre.Gyre;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What one program measured, as a line of JSON. */
final class BenchRow {
    private final String engine;
    private final List<Double> seconds = new ArrayList<>();
    private final List<Double> losses = new ArrayList<>();
    private final Map<String, Object> more = new LinkedHashMap<>();
    private long peakBytes;

    BenchRow(String engine) {
        this.engine = engine;
    }

    /** Takes a step of Gyre's, with the clock running where it counts; its seconds. */
    double step(Gyre.Trial trial, int[][] batch, boolean timed) {
        long begun = System.nanoTime();
        double loss = trial.step(batch);
        double took = (System.nanoTime() - begun) / 1e9;
        if (timed) add(took, loss);
        return took;
    }

    /** Takes a step under the sampler, whose cost the clock does not see. */
    void lookAt(Gyre.Trial trial, int[][] batch) {
        try (var sampler = StackSampler.of(Gyre.COMPUTING_THREADS)) {
            trial.step(batch);
            put("time_by_operation", sampler.stop());
        }
    }

    /** A timed step. */
    void add(double took, double loss) {
        seconds.add(took);
        losses.add(loss);
    }

    void peak(long bytes) {
        peakBytes = bytes;
    }

    /** Something that only this program's row tells. */
    void put(String key, Object value) {
        more.put(key, value);
    }

    String engine() {
        return engine;
    }

    long peakBytes() {
        return peakBytes;
    }

    double median() {
        return median(seconds);
    }

    static double median(List<Double> values) {
        double[] sorted = sorted(values);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private static double[] sorted(List<Double> values) {
        return values.stream().mapToDouble(v -> v).sorted().toArray();
    }

    /**
     * The row.
     *
     * @param run what holds for all programs of the run: commit, machine, flags
     * @param tokens of a step
     */
    Map<String, Object> plain(Map<String, Object> run, long tokens) {
        double[] sorted = sorted(seconds);
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("engine", engine);
        out.putAll(run);
        out.put("median_seconds", median());
        out.put("min_seconds", sorted[0]);
        out.put("max_seconds", sorted[sorted.length - 1]);
        out.put("tokens_per_second", tokens / median());
        out.put("peak_rss_bytes", peakBytes);
        out.put("losses", losses);
        out.putAll(more);
        return out;
    }
}
