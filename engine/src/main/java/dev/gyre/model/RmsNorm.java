package dev.gyre.model;

import dev.gyre.tensor.Saved;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.RootMeanSquare;

import java.util.List;

/** Root mean square normalisation: y = w ⊙ x / √(mean(x²) + ε), mean over the features. */
final class RmsNorm {
    private RmsNorm() {}

    /**
     * x [N, d] → [N, d].
     *
     * @param name of the weight, which adapters may replace
     * @param weight the base's w, [d]
     */
    static Var apply(Tape tape, String name, Tensor weight, double eps, Var x, List<Span> spans) {
        List<Var> weights =
                spans.stream()
                        .map(s -> s.parameter(name).orElseGet(() -> Var.constant(weight)))
                        .toList();
        boolean learns = weights.stream().anyMatch(Var::needsGradient);
        boolean plain = spans.size() > 1 || learns || !Kernels.fitNorm(x.value(), weight);
        Tensor w = weights.getFirst().value();
        Tensor y;
        Tensor scale;
        try (var here = Scope.open()) {
            Tensor v = x.value();
            if (plain) {
                scale = here.give(v.times(v).mean(1, true).plus(eps).rsqrt());
                y = here.give(scaled(v, scale, spans, weights));
            } else {
                scale = here.give(Tensor.empty(v.dtype(), v.size(0), 1));
                y = here.give(v.emptyLike());
                RootMeanSquare.normalise(v, w, eps, y, scale);
            }
        }
        if (!tape.needs(x) && !tape.needs(weights.toArray(Var[]::new))) return Var.constant(y);
        Saved keptX = tape.save(x);
        Tensor keptScale = tape.save(scale);
        if (plain)
            return tape.recordCheap(
                    y,
                    () -> scaled(keptX.get(), keptScale, spans, weights),
                    dy -> backward(x, keptX.get(), keptScale, spans, weights, dy));
        return tape.recordCheap(
                y,
                () -> {
                    Tensor again = keptX.get().emptyLike();
                    RootMeanSquare.normaliseAgain(keptX.get(), keptScale, w, again);
                    return again;
                },
                dy ->
                        x.accumulate(
                                keptX.get(),
                                (sofar, into) ->
                                        RootMeanSquare.back(
                                                keptX.get(), keptScale, w, dy, sofar, into)));
    }

    private static Tensor scaled(Tensor x, Tensor scale, List<Span> spans, List<Var> weights) {
        Tensor y = x.times(scale);
        for (int i = 0; i < weights.size(); i++)
            rows(spans, i, y).timesInPlace(weights.get(i).value());
        return y;
    }

    private static void backward(
            Var x, Tensor keptX, Tensor scale, List<Span> spans, List<Var> weights, Tensor dy) {
        Tensor unit = keptX.times(scale);
        Tensor g = dy.copy();
        for (int i = 0; i < weights.size(); i++) {
            Var w = weights.get(i);
            Tensor part = rows(spans, i, g);
            if (w.needsGradient()) w.accumulate(part.times(rows(spans, i, unit)).sum(0, false));
            part.timesInPlace(w.value());
        }
        if (!x.needsGradient()) return;
        // dx = (g − x̂·mean(g ⊙ x̂)) / rms
        Tensor mean = g.times(unit).mean(1, true);
        x.accumulate(g.minus(unit.timesInPlace(mean)).timesInPlace(scale));
    }

    private static Tensor rows(List<Span> spans, int i, Tensor all) {
        return spans.size() == 1 ? all : all.narrow(0, spans.get(i).from(), spans.get(i).rows());
    }
}
