package dev.gyre.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Methods in the order of a measure, and which of them differ by more than chance. All pairs are
 * tested; Holm's step-down procedure (Scandinavian Journal of Statistics 6, 1979) keeps the chance
 * that any pair is told apart wrongly at {@link Confidence#MISSES}, however many there are.
 *
 * @param order the best first
 */
public record Ranking(Measure measure, List<Place> order, List<Pair> pairs) {
    /**
     * A method's place.
     *
     * @param mean with its interval
     * @param best the best rank that it may have: 1 more than the methods that are surely better
     * @param worst the worst rank that it may have
     */
    public record Place(Standing standing, Confidence mean, int best, int worst) {}

    /**
     * Two methods, a before b in the order.
     *
     * @param difference a − b
     * @param apart whether they can be told apart
     */
    public record Pair(Standing a, Standing b, Confidence difference, boolean apart) {}

    static Ranking of(Measure measure, List<Standing> all, Scores base, Lab.Bench bench) {
        double[] weights = measure.weights(bench);
        record Mean(Standing standing, Confidence mean) {}
        var means =
                new ArrayList<>(
                        all.stream()
                                .filter(Standing::ranked)
                                .map(
                                        s ->
                                                new Mean(
                                                        s,
                                                        Confidence.of(
                                                                s.values(measure, base), weights)))
                                .toList());
        means.sort(
                (a, b) ->
                        a.mean.mean() == b.mean.mean()
                                ? a.standing.name().compareTo(b.standing.name())
                                : measure.better(a.mean.mean() - b.mean.mean()) ? -1 : 1);
        var untested = new ArrayList<Pair>();
        for (int i = 0; i < means.size(); i++)
            for (int j = i + 1; j < means.size(); j++) {
                Standing a = means.get(i).standing;
                Standing b = means.get(j).standing;
                var gap =
                        Confidence.difference(
                                a.values(measure, base), b.values(measure, base), weights);
                untested.add(new Pair(a, b, gap, false));
            }
        List<Pair> pairs = holm(untested);
        var order = new ArrayList<Place>();
        for (Mean m : means) {
            int better =
                    (int) pairs.stream().filter(p -> p.apart && p.b.equals(m.standing)).count();
            int worse = (int) pairs.stream().filter(p -> p.apart && p.a.equals(m.standing)).count();
            order.add(new Place(m.standing, m.mean, 1 + better, means.size() - worse));
        }
        return new Ranking(measure, List.copyOf(order), pairs);
    }

    /**
     * From the surest pair on, each against a share of the pairs that are left, until one fails.
     */
    private static List<Pair> holm(List<Pair> pairs) {
        var out = new ArrayList<>(pairs);
        List<Integer> surest =
                java.util.stream.IntStream.range(0, pairs.size())
                        .boxed()
                        .sorted(Comparator.comparingDouble(i -> pairs.get(i).difference.chance()))
                        .toList();
        for (int k = 0; k < surest.size(); k++) {
            Pair p = pairs.get(surest.get(k));
            if (p.difference.chance() > Confidence.MISSES / (surest.size() - k)) break;
            out.set(surest.get(k), new Pair(p.a, p.b, p.difference, true));
        }
        return List.copyOf(out);
    }

    /** The methods that cannot be told apart from one. */
    public List<Standing> like(Standing standing) {
        return pairs.stream()
                .filter(p -> !p.apart && (p.a.equals(standing) || p.b.equals(standing)))
                .map(p -> p.a.equals(standing) ? p.b : p.a)
                .toList();
    }

    /** Whether all have the same mean, so that none is first. */
    public boolean level() {
        return order.getFirst().mean.mean() == order.getLast().mean.mean();
    }

    public Place place(Standing standing) {
        return order.stream().filter(p -> p.standing.equals(standing)).findFirst().orElseThrow();
    }
}
