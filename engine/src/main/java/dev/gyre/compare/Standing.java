package dev.gyre.compare;

import dev.gyre.train.MethodSpec;

import java.util.List;
import java.util.Optional;

/**
 * A method at its best rate.
 *
 * @param rate the best; NaN when every run diverged
 * @param place where it lies among the rates tried
 * @param tried losses of the rates on the rows that choose
 * @param runs those at the best rate that went to their end, seed by seed
 * @param diverged runs at the best rate that did not, or all where none did
 */
public record Standing(
        MethodSpec method,
        double rate,
        Rates.Place place,
        List<Rates.Tried> tried,
        List<Result.Finished> runs,
        int diverged) {
    static Standing of(MethodSpec method, List<Result> results, Lab.Bench bench) {
        Optional<Double> best = Rates.best(method, results, bench);
        List<Result> own =
                results.stream()
                        .filter(r -> r.run().method().equals(method))
                        .filter(r -> best.isEmpty() || r.run().rate() == best.get())
                        .toList();
        List<Result.Finished> runs =
                own.stream()
                        .filter(r -> r instanceof Result.Finished)
                        .map(r -> (Result.Finished) r)
                        .toList();
        return new Standing(
                method,
                best.orElse(Double.NaN),
                Rates.place(method, results, bench),
                Rates.tried(method, results, bench),
                runs,
                own.size() - runs.size());
    }

    public String name() {
        return Run.word(method);
    }

    /** Whether there is a run to rank. */
    public boolean ranked() {
        return !runs.isEmpty();
    }

    /** The runs' values of a measure, by run and unit. */
    double[][] values(Measure measure, Scores base) {
        return runs.stream()
                .map(r -> measure.values(r.measured().scores(), base))
                .toArray(double[][]::new);
    }

    private Measured first() {
        return runs.getFirst().measured();
    }

    public long trainable() {
        return first().trainable();
    }

    public long fileBytes() {
        return first().fileBytes();
    }

    /** Median step of the quickest run: others were slowed by something else. */
    public double stepSeconds() {
        return runs.stream().mapToDouble(r -> r.measured().stepSeconds()).min().orElseThrow();
    }

    /** The most memory that any of its runs took; 0 where the system does not tell. */
    public long peakBytes() {
        return runs.stream().mapToLong(r -> r.measured().peakBytes()).max().orElseThrow();
    }

    /** The largest drift of its runs; empty where the method does not merge. */
    public Optional<Double> drift() {
        if (first().drift().isEmpty()) return Optional.empty();
        return Optional.of(
                runs.stream().mapToDouble(r -> r.measured().drift().orElse(0)).max().orElseThrow());
    }

    public String whyNotMerged() {
        return first().whyNotMerged();
    }
}
