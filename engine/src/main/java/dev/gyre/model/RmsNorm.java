package dev.gyre.model;

import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

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
        Tensor y;
        Tensor scale;
        try (var here = Scope.open()) {
            Tensor v = x.value();
            scale = here.give(v.times(v).mean(1, true).plus(eps).rsqrt());
            y = here.give(v.times(scale));
            for (int i = 0; i < weights.size(); i++)
                rows(spans, i, y).timesInPlace(weights.get(i).value());
        }
        boolean learns = weights.stream().anyMatch(Var::needsGradient);
        if (!tape.needs(x) && !tape.needs(weights.toArray(Var[]::new))) return Var.constant(y);
        Tensor keptX = tape.save(x.value());
        Tensor keptScale = tape.save(scale);
        return tape.record(
                y,
                dy -> {
                    Tensor unit = keptX.times(keptScale);
                    Tensor g =
                            learns || spans.size() > 1
                                    ? dy.copy()
                                    : dy.times(weights.getFirst().value());
                    for (int i = 0; i < weights.size() && (learns || spans.size() > 1); i++) {
                        Var w = weights.get(i);
                        Tensor part = rows(spans, i, g);
                        if (w.needsGradient())
                            w.accumulate(part.times(rows(spans, i, unit)).sum(0, false));
                        part.timesInPlace(w.value());
                    }
                    if (!x.needsGradient()) return;
                    // dx = (g − x̂·mean(g ⊙ x̂)) / rms
                    Tensor mean = g.times(unit).mean(1, true);
                    x.accumulate(g.minus(unit.timesInPlace(mean)).timesInPlace(keptScale));
                });
    }

    private static Tensor rows(List<Span> spans, int i, Tensor all) {
        return spans.size() == 1 ? all : all.narrow(0, spans.get(i).from(), spans.get(i).rows());
    }
}
