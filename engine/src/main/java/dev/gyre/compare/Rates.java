package dev.gyre.compare;

import dev.gyre.train.MethodSpec;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Which learning rate is a method's best, and whether the grid was wide enough to hold it. */
public final class Rates {
    private Rates() {}

    /** A rate's loss on the held-out rows that choose, with the first seed. */
    public record Tried(double rate, double loss) {}

    /**
     * What was tried with the first seed, in order of the rate; a diverged run has an infinite
     * loss.
     */
    static List<Tried> tried(MethodSpec method, List<Result> results, Lab.Bench bench) {
        return results.stream()
                .filter(r -> r.run().method().equals(method))
                .filter(r -> r.run().seed() == Sweep.FIRST_SEED)
                .map(r -> new Tried(r.run().rate(), loss(r, bench)))
                .sorted(Comparator.comparingDouble(Tried::rate))
                .toList();
    }

    private static double loss(Result result, Lab.Bench bench) {
        if (!(result instanceof Result.Finished f)) return Double.POSITIVE_INFINITY;
        double nll = 0;
        long tokens = 0;
        for (int row = 0; row < bench.heldOutTokens().length; row++) {
            if (!Lab.Bench.chooses(row)) continue;
            nll += f.measured().scores().heldOut()[row];
            tokens += bench.heldOutTokens()[row];
        }
        return nll / tokens;
    }

    /** The rate of the lowest loss; of equals the lower. Empty when no run went to its end. */
    static Optional<Double> best(MethodSpec method, List<Result> results, Lab.Bench bench) {
        return tried(method, results, bench).stream()
                .filter(t -> t.loss() < Double.POSITIVE_INFINITY)
                .min(Comparator.comparingDouble(Tried::loss))
                .map(Tried::rate);
    }

    /** Where a best rate lies among those tried. */
    public enum Place {
        INSIDE,
        LOWEST,
        HIGHEST
    }

    /** A diverged neighbour bounds the grid as well as a worse one does. */
    static Place place(MethodSpec method, List<Result> results, Lab.Bench bench) {
        List<Tried> tried = tried(method, results, bench);
        double best = best(method, results, bench).orElse(Double.NaN);
        if (tried.size() < 2) return Place.INSIDE;
        if (tried.getFirst().rate() == best) return Place.LOWEST;
        return tried.getLast().rate() == best ? Place.HIGHEST : Place.INSIDE;
    }

    /**
     * One more rate beyond the end of an {@code auto} grid that is done and whose best is that end;
     * empty when there is none to try, or it was tried.
     */
    static Optional<Double> beyond(
            Plan plan, MethodSpec method, List<Result> results, Lab.Bench bench) {
        List<Double> grid = plan.grid(method);
        List<Double> done = tried(method, results, bench).stream().map(Tried::rate).toList();
        if (!plan.autoRates() || !done.equals(grid)) return Optional.empty();
        return switch (place(method, results, bench)) {
            case INSIDE -> Optional.empty();
            case LOWEST -> Optional.of(grid.getFirst() / Plan.STRIDE);
            case HIGHEST -> Optional.of(grid.getLast() * Plan.STRIDE);
        };
    }
}
