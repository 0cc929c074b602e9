package dev.gyre;

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

    /** The largest |Δ log-probability| between two of {@link #under}. */
    static double apart(double[] one, double[] other) {
        double worst = 0;
        for (int i = 1; i < one.length; i++) worst = Math.max(worst, Math.abs(one[i] - other[i]));
        return worst;
    }
}
