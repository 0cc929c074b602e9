package dev.gyre.eval;

import dev.gyre.data.Encoded;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Span;
import dev.gyre.model.Tokens;
import dev.gyre.tensor.Cores;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.Arrays;
import java.util.List;

/** How well a model foretells the answers of examples, each example for itself. */
public final class AnswerLoss {
    /** Examples in one pass on a core. */
    private static final int BATCH = 8;

    private AnswerLoss() {}

    /**
     * −Σ log p over the learned tokens of each example, in nats; a core takes a batch at a time.
     */
    public static double[] of(Model model, List<Effects> adapters, List<Encoded> examples) {
        double[] out = new double[examples.size()];
        int cores = Cores.count();
        for (int from = 0; from < examples.size(); from += cores * BATCH) {
            int first = from;
            int left = examples.size() - from;
            int shares = Math.min(cores, Math.ceilDiv(left, BATCH));
            Cores.each(
                    shares,
                    i -> {
                        int begin = first + i * BATCH;
                        int end = Math.min(examples.size(), begin + BATCH);
                        batch(model, adapters, examples.subList(begin, end), out, begin);
                        return i;
                    });
        }
        return out;
    }

    private static void batch(
            Model model, List<Effects> adapters, List<Encoded> examples, double[] out, int at) {
        try (var _ = Scope.open();
                var tape = Tape.off()) {
            // An example's last token predicts nothing.
            var tokens =
                    Tokens.of(
                            examples.stream()
                                    .map(e -> Arrays.copyOf(e.ids(), e.ids().length - 1))
                                    .toList(),
                            adapters);
            int learned = examples.stream().mapToInt(e -> count(e.learned())).sum();
            int[] rows = new int[learned];
            int[] labels = new int[learned];
            int[] owner = new int[learned];
            int n = 0;
            for (int e = 0; e < examples.size(); e++) {
                Encoded example = examples.get(e);
                for (int i = 1; i < example.ids().length; i++) {
                    if (!example.learned()[i]) continue;
                    rows[n] = tokens.starts()[e] + i - 1;
                    labels[n] = example.ids()[i];
                    owner[n++] = e;
                }
            }
            Tensor hidden = model.hidden(tape, tokens, List.of()).value();
            Var foretelling = Var.constant(hidden.indexSelect(0, Tensor.of(rows)));
            Tensor logits =
                    model.logits(tape, foretelling, List.of(new Span(0, learned, adapters)))
                            .value();
            Tensor wanted = Tensor.of(labels).unsqueeze(1);
            double[] p = logits.logSoftmax(1).gather(1, wanted).toDoubles();
            for (int i = 0; i < learned; i++) out[at + owner[i]] -= p[i];
        }
    }

    private static int count(boolean[] learned) {
        int n = 0;
        for (boolean one : learned) if (one) n++;
        return n;
    }
}
