package dev.gyre.compare;

import java.util.Arrays;
import java.util.stream.IntStream;

/** What methods are ranked by, from each run's scores. */
public enum Measure {
    /** Mean −log p of a learned token of the held-out rows that count; lower is better. */
    HELD_OUT(false) {
        @Override
        double[] values(Scores scores, Scores base) {
            return counting(scores.heldOut());
        }

        @Override
        double[] weights(Lab.Bench bench) {
            return counting(doubles(bench.heldOutTokens()));
        }
    },
    /** Share of questions whose greedy answer is the row's, word for word; higher is better. */
    EXACT(true) {
        @Override
        double[] values(Scores scores, Scores base) {
            return scores.exact();
        }

        @Override
        double[] weights(Lab.Bench bench) {
            double[] ones = new double[bench.questions()];
            Arrays.fill(ones, 1);
            return ones;
        }
    },
    /**
     * Rise of the mean −log p of a token of general text over the base's, which is the logarithm of
     * the factor on the perplexity; lower is better.
     */
    FORGETTING(false) {
        @Override
        double[] values(Scores scores, Scores base) {
            double[] rise = scores.general().clone();
            for (int i = 0; i < rise.length; i++) rise[i] -= base.general()[i];
            return rise;
        }

        @Override
        double[] weights(Lab.Bench bench) {
            return doubles(bench.generalTokens());
        }
    };

    private final boolean higherIsBetter;

    Measure(boolean higherIsBetter) {
        this.higherIsBetter = higherIsBetter;
    }

    /** A value of each unit. */
    abstract double[] values(Scores scores, Scores base);

    /** What each unit counts. */
    abstract double[] weights(Lab.Bench bench);

    /** Whether there is anything to measure. */
    boolean there(Lab.Bench bench) {
        return weights(bench).length > 0;
    }

    /** Σ value / Σ weight. */
    double mean(Scores scores, Scores base, Lab.Bench bench) {
        return Arrays.stream(values(scores, base)).sum() / Arrays.stream(weights(bench)).sum();
    }

    /** Whether a difference a − b says that a is better. */
    boolean better(double difference) {
        return higherIsBetter ? difference > 0 : difference < 0;
    }

    private static double[] counting(double[] rows) {
        return IntStream.range(0, rows.length)
                .filter(row -> !Lab.Bench.chooses(row))
                .mapToDouble(row -> rows[row])
                .toArray();
    }

    private static double[] doubles(long[] counts) {
        return Arrays.stream(counts).asDoubleStream().toArray();
    }
}
