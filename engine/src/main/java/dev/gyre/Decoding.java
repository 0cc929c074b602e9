package dev.gyre;

import dev.gyre.config.BadValue;
import dev.gyre.config.Key;

import java.util.List;

/** How the next token is chosen. Components are keys and, with hyphens, flags. */
public record Decoding(
        @Key(value = "tokens of an answer at most", def = "256") int maxTokens,
        @Key(value = "0: the likeliest token; higher: more varied", def = "0") double temperature,
        @Key(value = "only the N likeliest tokens; 0: all", def = "0") int topK,
        @Key(
                        value =
                                "only the likeliest tokens that together have this probability; 1:"
                                        + " all",
                        def = "1")
                double topP,
        @Key(
                        value =
                                "only tokens with this share of the likeliest one's probability; 0:"
                                        + " all",
                        def = "0")
                double minP,
        @Key(value = "above 1: what occurred already is less likely", def = "1")
                double repetitionPenalty,
        @Key(value = "random stream", def = "0") long seed,
        @Key(value = "text that ends an answer; repeats", shown = "none", form = "TEXT")
                List<String> stop) {

    public Decoding {
        stop = List.copyOf(stop);
        if (maxTokens < 1) throw BadValue.of("max_tokens", maxTokens, "a whole number from 1");
        if (!(temperature >= 0) || Double.isInfinite(temperature))
            throw BadValue.of("temperature", temperature, "0 or more");
        if (topK < 0) throw BadValue.of("top_k", topK, "0 or more");
        if (!(topP > 0 && topP <= 1)) throw BadValue.of("top_p", topP, "above 0 and at most 1");
        if (!(minP >= 0 && minP < 1)) throw BadValue.of("min_p", minP, "0 or more and below 1");
        if (!(repetitionPenalty > 0) || Double.isInfinite(repetitionPenalty))
            throw BadValue.of("repetition_penalty", repetitionPenalty, "above 0");
        if (stop.contains("")) throw BadValue.saying("stop", "must not be empty text");
    }

    /** The likeliest token, at most this many times. */
    public static Decoding greedy(int maxTokens) {
        return new Decoding(maxTokens, 0, 0, 1, 0, 1, 0, List.of());
    }
}
