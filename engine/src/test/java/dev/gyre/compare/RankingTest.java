package dev.gyre.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.config.Tree;
import dev.gyre.train.MethodSpec;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Which methods are told apart, and what is forgotten at equal quality, on made results. */
class RankingTest {
    private static final int ROWS = 9;
    private static final int PIECES = 4;
    private static final Lab.Bench BENCH =
            new Lab.Bench(filled(ROWS, 1), 0, filled(PIECES, 1), Map.of(), "none");
    private static final Scores BASE = scores(5, 0);

    @Test
    void likeMethodsShareRanksAndAnotherIsToldApart() {
        var all =
                comparison(
                        "oft,lora,ia3",
                        run("oft", 0.01, 0, 2.00, 0),
                        run("oft", 0.01, 1, 2.02, 0),
                        run("oft", 0.01, 2, 2.04, 0),
                        run("lora", 0.01, 0, 2.01, 0),
                        run("lora", 0.01, 1, 2.02, 0),
                        run("lora", 0.01, 2, 2.05, 0),
                        run("ia3", 0.01, 0, 3.00, 0),
                        run("ia3", 0.01, 1, 3.02, 0),
                        run("ia3", 0.01, 2, 3.04, 0));
        var ranking = all.by(Measure.HELD_OUT);
        assertThat(ranking.order())
                .extracting(p -> p.standing().name() + " " + p.best() + "-" + p.worst())
                .containsExactly("oft 1-2", "lora 1-2", "ia3 3-3");
        var first = ranking.order().getFirst().standing();
        assertThat(ranking.like(first)).extracting(Standing::name).containsExactly("lora");
    }

    @Test
    void withOneSeedNothingIsToldApart() {
        var all = comparison("oft,ia3", run("oft", 0.01, 0, 2, 0), run("ia3", 0.01, 0, 4, 0));
        assertThat(all.by(Measure.HELD_OUT).pairs()).noneMatch(Ranking.Pair::apart);
    }

    @Test
    void atEqualQualityTheBetterIsReadBetweenItsRates() {
        var all =
                comparison(
                        "oft,lora",
                        run("oft", 0.001, 0, 3, 0.1),
                        run("oft", 0.01, 0, 2, 0.5),
                        run("lora", 0.01, 0, 2.5, 0.4));
        var equal = all.equalQuality().getFirst();
        assertThat(equal.better().name()).isEqualTo("oft");
        assertThat(equal.loss()).isEqualTo(2.5);
        assertThat(equal.betterRise()).isCloseTo(0.3, within(1e-12));
        assertThat(equal.worseRise()).isCloseTo(0.4, within(1e-12));
        assertThat(equal.bounded()).isTrue();
    }

    @Test
    void betterAtEveryRateIsSaidSo() {
        var all =
                comparison("oft,lora", run("oft", 0.01, 0, 2, 0.5), run("lora", 0.01, 0, 2.5, 0.4));
        assertThat(all.equalQuality().getFirst().bounded()).isFalse();
    }

    private static Comparison comparison(String methods, Result... results) {
        var keys =
                Map.<String, Object>of(
                        "base", "b", "data", "d.jsonl", "out", "o", "methods", methods);
        Plan plan = Plan.read(Tree.of(keys, "a test", ""));
        return Comparison.of(plan, BENCH, BASE, new ArrayList<>(List.of(results)), Map.of());
    }

    private static Result run(String method, double rate, long seed, double loss, double rise) {
        var measured =
                new Measured(
                        scores(loss, rise),
                        new double[] {loss},
                        10,
                        100,
                        1,
                        0,
                        0,
                        OptionalDouble.empty(),
                        "",
                        1);
        return new Result.Finished(new Run(new MethodSpec(method, Map.of()), rate, seed), measured);
    }

    private static Scores scores(double loss, double rise) {
        double[] rows = new double[ROWS];
        double[] pieces = new double[PIECES];
        Arrays.fill(rows, loss);
        Arrays.fill(pieces, 3 + rise);
        return new Scores(rows, new double[0], pieces);
    }

    private static long[] filled(int n, long value) {
        long[] out = new long[n];
        Arrays.fill(out, value);
        return out;
    }
}
