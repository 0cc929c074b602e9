package dev.gyre.compare;

import dev.gyre.train.MethodSpec;
import dev.gyre.train.TrainEvent;

import java.time.Duration;

/** What happens during a comparison, in order. */
public sealed interface CompareEvent {
    /** A method does not fit the base, and takes no part. */
    record LeftOut(MethodSpec method, String why) implements CompareEvent {}

    /**
     * Everything is loaded, and the base has its scores.
     *
     * @param done runs that an earlier call finished
     * @param left runs to go, as far as is known
     */
    record Begun(Plan plan, Lab.Bench bench, int done, int left) implements CompareEvent {}

    record RunBegins(Run run) implements CompareEvent {}

    /** A training event of the run that is under way. */
    record Training(TrainEvent event) implements CompareEvent {}

    /**
     * A run ended, and its result is on disk.
     *
     * @param base the base's own scores
     * @param left runs to go, as far as is known
     * @param timeLeft an estimate from the runs so far
     */
    record RunEnded(Result result, Lab.Bench bench, Scores base, int left, Duration timeLeft)
            implements CompareEvent {
        /** The value of a measure for some scores. */
        public double value(Measure measure, Scores scores) {
            return measure.mean(scores, base, bench);
        }
    }
}
