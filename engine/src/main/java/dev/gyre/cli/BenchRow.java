package dev.gyre.cli;

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
        double[] sorted = sorted();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private double[] sorted() {
        return seconds.stream().mapToDouble(s -> s).sorted().toArray();
    }

    /**
     * The row.
     *
     * @param run what holds for all programs of the run: commit, machine, flags
     * @param tokens of a step
     */
    Map<String, Object> plain(Map<String, Object> run, long tokens) {
        double[] sorted = sorted();
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
