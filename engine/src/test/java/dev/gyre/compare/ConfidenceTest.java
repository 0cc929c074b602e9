package dev.gyre.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Arrays;
import java.util.Random;

/** Intervals, against tables and against cases whose answer is known. */
class ConfidenceTest {
    @ParameterizedTest
    @CsvSource({
        "1, 12.706205",
        "2, 4.302653",
        "5, 2.570582",
        "10, 2.228139",
        "30, 2.042272",
        "1000000, 1.959966"
    })
    void quantilesAreTheTables(double freedom, double t) {
        assertThat(StudentT.beyond(0.05, freedom)).isCloseTo(t, within(2e-6));
        assertThat(StudentT.twoSided(t, freedom)).isCloseTo(0.05, within(1e-6));
        assertThat(StudentT.twoSided(0, freedom)).isEqualTo(1);
    }

    @Test
    void withoutSpreadOverUnitsItIsTheIntervalOfTheSeeds() {
        var c = Confidence.of(new double[][] {{1, 1, 1}, {2, 2, 2}, {3, 3, 3}}, ones(3));
        assertThat(c.mean()).isEqualTo(2);
        assertThat(c.freedom()).isCloseTo(2, within(1e-12));
        assertThat(c.half()).isCloseTo(4.302653 / Math.sqrt(3), within(1e-5));
    }

    @Test
    void withoutSpreadOverSeedsItIsTheIntervalOfTheUnits() {
        var c = Confidence.of(new double[][] {{1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}}, ones(5));
        assertThat(c.error()).isCloseTo(Math.sqrt(0.5), within(1e-12));
        assertThat(c.freedom()).isCloseTo(4, within(1e-12));
    }

    @Test
    void unitsCountByTheirWeight() {
        var c = Confidence.of(new double[][] {{2, 6}, {2, 6}}, new double[] {1, 3});
        assertThat(c.mean()).isEqualTo(2);
        assertThat(c.error()).isZero();
    }

    @Test
    void oneSeedSaysNothingOfOthers() {
        var one = Confidence.of(new double[][] {{1, 2, 3}}, ones(3));
        assertThat(one.error()).isInfinite();
        double[][] three = {{1, 2, 3}, {1, 2, 3}, {1, 2, 3}};
        var gap = Confidence.difference(new double[][] {{9, 9, 9}}, three, ones(3));
        assertThat(gap.chance()).isEqualTo(1);
    }

    /** Rows differ far more than methods do; a steady gap on each row is seen all the same. */
    @Test
    void unitsArePaired() {
        double[][] a = {{1.5, 10.5, 100.5}, {1.5, 10.5, 100.5}};
        double[][] b = {{1, 10, 100}, {1, 10, 100}};
        var gap = Confidence.difference(a, b, ones(3));
        assertThat(gap.mean()).isEqualTo(0.5);
        assertThat(gap.chance()).isZero();
    }

    @Test
    void intervalsMissNoMoreOftenThanTheySay() {
        var random = new Random(5);
        int misses = 0;
        int trials = 2000;
        for (int trial = 0; trial < trials; trial++) {
            double[] row = random.doubles(30, -1, 1).toArray();
            double[][] values = new double[3][30];
            for (double[] run : values) {
                double seed = 0.2 * random.nextGaussian();
                for (int i = 0; i < run.length; i++)
                    run[i] = row[i] + seed + 0.1 * random.nextGaussian();
            }
            var c = Confidence.of(values, ones(30));
            if (c.low() > 0 || c.high() < 0) misses++;
        }
        // Three standard errors of a count of 5 % in so many trials are 1.5 %.
        assertThat(misses / (double) trials).isBetween(0.005, Confidence.MISSES + 0.015);
    }

    private static double[] ones(int n) {
        double[] ones = new double[n];
        Arrays.fill(ones, 1);
        return ones;
    }
}
