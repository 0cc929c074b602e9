package dev.gyre.train;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** What happens during a run, in order. Outputs are listeners; the trainer prints nothing. */
public sealed interface TrainEvent {
    /**
     * The run begins: everything is loaded and checked.
     *
     * @param steps how many steps are planned
     * @param examples training rows after reading
     * @param learned numbers that learn
     * @param frozen numbers that do not
     * @param machine device, BLAS and threads in words
     * @param recipe what is run, its defaults filled in
     */
    record Started(
            int steps, long examples, long learned, long frozen, String machine, Recipe recipe)
            implements TrainEvent {}

    /**
     * What the encoding of the base's weights costs.
     *
     * @param loss of some training examples on the encoded base, before any training
     * @param storedLoss the same on the base as its files have it
     * @param drift |Ŵ − W| / |W| of each weight, by its slot's name
     */
    record BaseEncoded(String encoding, double loss, double storedLoss, Map<String, Double> drift)
            implements TrainEvent {
        /** The weight that is furthest off. */
        public String worst() {
            return drift.entrySet().stream()
                    .max(Map.Entry.comparingByValue())
                    .map(Map.Entry::getKey)
                    .orElseThrow();
        }

        /** How far that is. */
        public double worstDrift() {
            return drift.values().stream().mapToDouble(d -> d).max().orElse(0);
        }

        /** The mean over all weights. */
        public double meanDrift() {
            return drift.values().stream().mapToDouble(d -> d).average().orElse(0);
        }
    }

    /**
     * One optimiser step is done.
     *
     * @param step from 1
     * @param loss mean over all learned tokens of the step, before the update
     * @param learnedTokens tokens whose prediction was learned
     * @param tokens all tokens that went through the model, without padding
     * @param learningRate at this step
     * @param gradientNorm over all learned numbers, before clipping
     * @param took since the previous step ended (for the first, since the start), everything
     *     included
     */
    record Stepped(
            int step,
            double loss,
            long learnedTokens,
            long tokens,
            double learningRate,
            double gradientNorm,
            Duration took)
            implements TrainEvent {}

    /** The held-out rows were looked at: mean loss over their learned tokens. */
    record Evaluated(int step, double loss, long learnedTokens) implements TrainEvent {}

    /** The adapter was written. */
    record Saved(int step, Path where) implements TrainEvent {}

    /**
     * The run is over and its adapter is on disk.
     *
     * @param took from {@link Started} to the end
     * @param tokensPerSecond all tokens of all steps by the time of the steps
     * @param peakRssBytes the process's high-water mark; 0 where the system does not tell
     */
    record Done(int steps, Duration took, double tokensPerSecond, long peakRssBytes, Path adapter)
            implements TrainEvent {}

    /** The run ended early; a {@link TrainFailed} with the same reason follows. */
    record Stopped(int step, String why) implements TrainEvent {}
}
