package dev.gyre.compare;

import dev.gyre.train.MethodSpec;

import java.util.stream.Collectors;

/** One training run of a comparison: everything else is the plan's. */
public record Run(MethodSpec method, double rate, long seed) {
    /** A method in one word, such as {@code oft:block=32,terms=5}; settings in order of name. */
    public static String word(MethodSpec method) {
        String settings =
                method.settings().entrySet().stream()
                        .map(e -> e.getKey() + "=" + e.getValue())
                        .sorted()
                        .collect(Collectors.joining(","));
        return settings.isEmpty() ? method.name() : method.name() + ":" + settings;
    }

    /** The same as a name for people, and unlike any other run's. */
    @Override
    public String toString() {
        return word(method) + ", rate " + rate + ", seed " + seed;
    }
}
