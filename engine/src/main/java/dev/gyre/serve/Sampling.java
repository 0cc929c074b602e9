package dev.gyre.serve;

import dev.gyre.config.UserError;

/**
 * How the next token is chosen among the model's logits.
 *
 * @param temperature 0 takes the likeliest token, the lowest id in a tie
 * @param topK only the k likeliest; 0 for all
 * @param topP only the likeliest that together have this probability; 1 for all
 * @param minP only those with this share of the likeliest one's probability; 0 for all
 * @param repetitionPenalty above 1 makes tokens that occurred less likely (arXiv 1909.05858)
 * @param seed of the random stream
 */
public record Sampling(
        double temperature,
        int topK,
        double topP,
        double minP,
        double repetitionPenalty,
        long seed) {
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 0, 1, 0);

    public Sampling {
        if (!(temperature >= 0) || Double.isInfinite(temperature))
            throw wrong("temperature", temperature, "0 or more");
        if (topK < 0) throw wrong("top_k", topK, "0 or more");
        if (!(topP > 0 && topP <= 1)) throw wrong("top_p", topP, "above 0 and at most 1");
        if (!(minP >= 0 && minP < 1)) throw wrong("min_p", minP, "0 or more and below 1");
        if (!(repetitionPenalty > 0) || Double.isInfinite(repetitionPenalty))
            throw wrong("repetition_penalty", repetitionPenalty, "above 0");
    }

    private static UserError wrong(String key, Number value, String wanted) {
        return new UserError(key + " must be " + wanted + ", not " + value);
    }

    /** The same with another seed. */
    public Sampling withSeed(long other) {
        return new Sampling(temperature, topK, topP, minP, repetitionPenalty, other);
    }
}
