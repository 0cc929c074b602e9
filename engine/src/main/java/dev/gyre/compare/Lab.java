package dev.gyre.compare;

import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Where runs are trained and measured: one base that stays open, and the texts that test it. */
public interface Lab {
    /** What is there to be tested, and on what. */
    Bench bench();

    /** The base's own scores. */
    Scores base();

    /** Why a recipe's method cannot be attached to the base; empty when it can. */
    Optional<String> obstacle(Recipe recipe);

    /**
     * Trains and measures; what was written to the recipe's {@code out} stays.
     *
     * @throws dev.gyre.train.TrainFailed when the run cannot go on, because it diverged
     */
    Measured run(Recipe recipe, Consumer<TrainEvent> events);

    /**
     * How many of a plan's runs are to be made at the same time now: {@link Plan#parallel}, or what
     * there is room for.
     */
    default int atOnce() {
        return 1;
    }

    /** Does the work of each index from 0 to count−1 at the same time. */
    default <T> List<T> together(int count, IntFunction<T> work) {
        return IntStream.range(0, count).mapToObj(work).toList();
    }

    /**
     * The units that scores count in, and facts for the reader.
     *
     * @param heldOutTokens learned tokens of each held-out row
     * @param questions how many of the rows that count are answered, the first ones
     * @param generalTokens scored tokens of each piece of the general text
     * @param facts about base, rows and texts, by name: those that decide the results, so that two
     *     labs with equal facts measure the same
     * @param machine in words
     */
    @SuppressWarnings("ArrayRecordComponent") // made once and read; nobody compares them
    record Bench(
            long[] heldOutTokens,
            int questions,
            long[] generalTokens,
            Map<String, Object> facts,
            String machine) {
        /** Whether a held-out row helps to choose the rate, and so does not count. */
        public static boolean chooses(int row) {
            return row % 3 == 0;
        }
    }
}
