package dev.gyre.eval;

import java.util.List;

/**
 * How well a model foretells documents.
 *
 * @param tokens scored tokens of all documents
 * @param nll −Σ log p over the scored tokens, in nats
 */
public record Perplexity(List<Document> documents, long tokens, double nll) {
    /**
     * A document's tokens.
     *
     * @param logprobs log p of each token given those before it; NaN for the first, which is not
     *     scored
     */
    public record Document(int[] ids, double[] logprobs) {}

    /** e to the mean nll. */
    public double perplexity() {
        return Math.exp(nll / tokens);
    }
}
