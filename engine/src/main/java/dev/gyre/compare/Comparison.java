package dev.gyre.compare;

import dev.gyre.train.MethodSpec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A comparison that is done: its runs, and what follows from them.
 *
 * @param base the base's own scores
 * @param results all runs, by method, rate and seed
 * @param obstacles methods that do not fit the base, and why
 * @param standings each method at its best rate, in the plan's order
 * @param rankings by measure; without {@code EXACT} where nothing was answered
 */
public record Comparison(
        Plan plan,
        Lab.Bench bench,
        Scores base,
        List<Result> results,
        Map<MethodSpec, String> obstacles,
        List<Standing> standings,
        Map<Measure, Ranking> rankings) {
    static Comparison of(
            Plan plan,
            Lab.Bench bench,
            Scores base,
            List<Result> results,
            Map<MethodSpec, String> obstacles) {
        var methods = new LinkedHashSet<>(plan.specs());
        results.forEach(r -> methods.add(r.run().method()));
        methods.removeAll(obstacles.keySet());
        List<Standing> standings =
                methods.stream().map(m -> Standing.of(m, results, bench)).toList();
        var rankings = new LinkedHashMap<Measure, Ranking>();
        for (Measure measure : Measure.values())
            if (measure.there(bench))
                rankings.put(measure, Ranking.of(measure, standings, base, bench));
        return new Comparison(plan, bench, base, results, obstacles, standings, rankings);
    }

    /** The runs of a method at a rate that went to their end. */
    List<Result.Finished> finished(MethodSpec method, double rate) {
        return finished().stream()
                .filter(f -> f.run().method().equals(method) && f.run().rate() == rate)
                .toList();
    }

    /** All runs that went to their end. */
    public List<Result.Finished> finished() {
        return results.stream()
                .filter(r -> r instanceof Result.Finished)
                .map(r -> (Result.Finished) r)
                .toList();
    }

    /** The ranking by a measure that is there. */
    public Ranking by(Measure measure) {
        return Optional.ofNullable(rankings.get(measure)).orElseThrow();
    }

    /** Perplexity of the general text for the base alone. */
    public double basePerplexity() {
        return Math.exp(
                Arrays.stream(base.general()).sum() / Arrays.stream(bench.generalTokens()).sum());
    }

    /** The base's own value of a measure. */
    public double baseValue(Measure measure) {
        return measure.mean(base, base, bench);
    }

    /** Every two methods at equal quality, the best held-out loss first. */
    public List<EqualQuality> equalQuality() {
        List<Standing> order =
                by(Measure.HELD_OUT).order().stream().map(Ranking.Place::standing).toList();
        var out = new ArrayList<EqualQuality>();
        for (int i = 0; i < order.size(); i++)
            for (int j = i + 1; j < order.size(); j++)
                out.add(EqualQuality.of(this, order.get(i), order.get(j)));
        return out;
    }

    /** A run's value of a measure. */
    public double value(Measure measure, Result.Finished run) {
        return measure.mean(run.measured().scores(), base, bench);
    }
}
