package dev.gyre;

import dev.gyre.config.UserError;
import dev.gyre.eval.Perplexity;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;

import java.util.List;

/** A short text, whose log-probabilities say how far two forms of one model are apart. */
final class DriftProbe {
    private static final String TEXT =
            """
            The quick brown fox jumps over the lazy dog. In 1969, two people walked on the Moon: "one small step".
            for (int i = 0; i < n; i++) sum += x[i] * y[i];
            """;

    private final int[] ids;

    private DriftProbe(int[] ids) {
        this.ids = ids;
    }

    /** The text as a base's tokenizer has it. */
    static DriftProbe of(Base base) {
        return new DriftProbe(base.tokenizer().encode(TEXT, true));
    }

    /** How many tokens are scored. */
    int tokens() {
        return ids.length - 1;
    }

    /** Log-probabilities of its tokens; NaN for the first, which is not scored. */
    double[] under(Model model, List<Effects> adapters) {
        int context = model.contextTokens();
        return Perplexity.of(model, adapters, ids, context, Math.max(1, context / 2)).logprobs();
    }

    /**
     * The same of a base with what is to be written from it.
     *
     * @throws UserError when they are not finite: no encoding could say less
     */
    double[] unwritten(Model model, List<Effects> adapters) {
        double[] logprobs = under(model, adapters);
        for (int i = 1; i < logprobs.length; i++)
            if (!Double.isFinite(logprobs[i]))
                throw new UserError(
                        "the base with its adapters gives log-probabilities of %s: a weight of one of them is damaged, and nothing was written"
                                .formatted(logprobs[i]));
        return logprobs;
    }

    /**
     * The largest |Δ log-probability| between two of {@link #under}.
     *
     * @throws UserError when it is not finite: what was written is broken, and is not to be kept
     */
    static double drift(double[] written, double[] unwritten) {
        double worst = apart(written, unwritten);
        if (!Double.isFinite(worst))
            throw new UserError(
                    "what was written gives log-probabilities that are not finite, and nothing was"
                        + " kept; numbers that are too large for its type are the usual reason");
        return worst;
    }

    /** The largest |Δ log-probability| between two of {@link #under}. */
    static double apart(double[] one, double[] other) {
        double worst = 0;
        for (int i = 1; i < one.length; i++) worst = Math.max(worst, Math.abs(one[i] - other[i]));
        return worst;
    }
}
