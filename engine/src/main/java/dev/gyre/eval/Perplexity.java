package dev.gyre.eval;

import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Span;
import dev.gyre.model.Tokens;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * How well a model foretells a text. A text longer than the context is read in windows that
 * overlap; each token is scored once, in the first window that has it.
 *
 * @param logprobs log p of each token given those before it, in nats; NaN for the first, which is
 *     not scored
 * @param nll −Σ log p over the scored tokens
 * @param tokens scored tokens
 */
public record Perplexity(double[] logprobs, double nll, long tokens) {
    /** Rows whose logits are held at once. */
    private static final int CHUNK = 64;

    /**
     * Scores a text.
     *
     * @param contextTokens of a window
     * @param stride tokens between the starts of two windows, 1 … contextTokens − 1: a window's
     *     first token cannot be scored in it
     */
    public static Perplexity of(
            Model model, List<Effects> adapters, int[] ids, int contextTokens, int stride) {
        return of(model, adapters, ids, contextTokens, stride, _ -> {});
    }

    /**
     * The same.
     *
     * @param progress hears how many tokens are done, window by window
     */
    public static Perplexity of(
            Model model,
            List<Effects> adapters,
            int[] ids,
            int contextTokens,
            int stride,
            IntConsumer progress) {
        if (stride < 1 || stride >= contextTokens)
            throw new IllegalArgumentException(
                    "stride must be from 1 and below " + contextTokens + ", not " + stride);
        double[] logprobs = new double[ids.length];
        Arrays.fill(logprobs, Double.NaN);
        int scored = 1;
        for (int from = 0; scored < ids.length; from += stride) {
            int to = Math.min(ids.length, from + contextTokens);
            window(model, adapters, ids, from, scored, to, logprobs);
            scored = to;
            progress.accept(scored);
        }
        double nll = 0;
        for (int i = 1; i < ids.length; i++) nll -= logprobs[i];
        return new Perplexity(logprobs, nll, Math.max(0, ids.length - 1));
    }

    /** Scores the tokens first … to−1 in the window from … to−1. */
    private static void window(
            Model model,
            List<Effects> adapters,
            int[] ids,
            int from,
            int first,
            int to,
            double[] logprobs) {
        try (var _ = Scope.open();
                var tape = Tape.off()) {
            var tokens = Tokens.of(List.of(Arrays.copyOfRange(ids, from, to)), adapters);
            Tensor hidden = model.hidden(tape, tokens, List.of()).value();
            for (int at = first; at < to; at += CHUNK) {
                int count = Math.min(CHUNK, to - at);
                try (var _ = Scope.open()) {
                    Var rows = Var.constant(hidden.narrow(0, at - 1 - from, count));
                    Tensor logits =
                            model.logits(tape, rows, List.of(new Span(0, count, adapters))).value();
                    Tensor wanted = Tensor.of(Arrays.copyOfRange(ids, at, at + count)).unsqueeze(1);
                    double[] p = logits.logSoftmax(1).gather(1, wanted).toDoubles();
                    System.arraycopy(p, 0, logprobs, at, count);
                }
            }
        }
    }

    /** e to the mean −log p. */
    public double perplexity() {
        return Math.exp(nll / tokens);
    }
}
