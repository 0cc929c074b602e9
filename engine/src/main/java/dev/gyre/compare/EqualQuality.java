package dev.gyre.compare;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What two methods forget where both are equally good on the held-out rows: the better one is taken
 * back along its learning rates, from its best to lower ones, to the loss of the other's best, with
 * straight lines between the rates tried. Runs at lower rates have one seed, so this carries no
 * confidence.
 *
 * @param better the method of the lower held-out loss
 * @param loss the other's, at which both are read
 * @param betterRise what the better one forgets there, as {@link Measure#FORGETTING} counts
 * @param worseRise what the other forgets
 * @param bounded whether the loss lies between two rates of the better one; otherwise even its
 *     lowest rate does better, and {@code betterRise} is that rate's
 */
public record EqualQuality(
        Standing better,
        Standing worse,
        double loss,
        double betterRise,
        double worseRise,
        boolean bounded) {
    private record Point(double loss, double rise) {}

    /** Of two methods that each have a run that went to its end. */
    static EqualQuality of(Comparison all, Standing a, Standing b) {
        List<Point> ofA = rising(all, a);
        List<Point> ofB = rising(all, b);
        boolean first = ofA.getLast().loss <= ofB.getLast().loss;
        Point wanted = first ? ofB.getLast() : ofA.getLast();
        List<Point> points = first ? ofA : ofB;
        Optional<Double> rise = crossing(points, wanted.loss);
        return new EqualQuality(
                first ? a : b,
                first ? b : a,
                wanted.loss,
                rise.orElse(points.getFirst().rise),
                wanted.rise,
                rise.isPresent());
    }

    /** The rise at the highest rate below the best at which the loss is this. */
    private static Optional<Double> crossing(List<Point> points, double loss) {
        if (points.getLast().loss == loss) return Optional.of(points.getLast().rise);
        for (int i = points.size() - 2; i >= 0; i--) {
            Point low = points.get(i);
            Point high = points.get(i + 1);
            if (low.loss < loss || high.loss > loss) continue;
            double share = (low.loss - loss) / (low.loss - high.loss);
            return Optional.of(low.rise + share * (high.rise - low.rise));
        }
        return Optional.empty();
    }

    /** A method's rates up to its best, each with the means of its runs. */
    private static List<Point> rising(Comparison all, Standing standing) {
        return standing.tried().stream()
                .map(Rates.Tried::rate)
                .filter(rate -> rate <= standing.rate())
                .map(rate -> mean(all, all.finished(standing.method(), rate)))
                .flatMap(Optional::stream)
                .toList();
    }

    private static Optional<Point> mean(Comparison all, List<Result.Finished> runs) {
        if (runs.isEmpty()) return Optional.empty();
        return Optional.of(
                new Point(mean(all, runs, Measure.HELD_OUT), mean(all, runs, Measure.FORGETTING)));
    }

    private static double mean(Comparison all, List<Result.Finished> runs, Measure measure) {
        return IntStream.range(0, runs.size())
                .mapToDouble(i -> all.value(measure, runs.get(i)))
                .average()
                .orElseThrow();
    }
}
