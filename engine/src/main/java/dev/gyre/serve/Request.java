package dev.gyre.serve;

import dev.gyre.model.Effects;

import java.util.List;
import java.util.Set;

/**
 * What a sequence goes on from.
 *
 * @param prompt token ids, at least one
 * @param adapters that act on it, one after another; empty for the base alone
 * @param maxTokens new tokens at most
 * @param stopTokens ids that end it, such as the end-of-turn token
 */
public record Request(
        int[] prompt,
        List<Effects> adapters,
        Sampling sampling,
        int maxTokens,
        Set<Integer> stopTokens) {
    public Request {
        if (prompt.length == 0)
            throw new IllegalArgumentException("a prompt needs at least one token");
        if (maxTokens < 1)
            throw new IllegalArgumentException("maxTokens must be 1 or more, not " + maxTokens);
        adapters = List.copyOf(adapters);
        stopTokens = Set.copyOf(stopTokens);
    }

    /** Positions that its adapters take before it. */
    int positions() {
        return adapters.stream().mapToInt(Effects::positions).sum();
    }
}
