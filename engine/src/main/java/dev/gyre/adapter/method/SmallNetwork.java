package dev.gyre.adapter.method;

import dev.gyre.linear.LinearMap;
import dev.gyre.tensor.Saved;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;

/**
 * A network with one narrow inner layer: h ↦ up(f(down(h) + a)) + b. The backward pass keeps h and
 * the inner row before f.
 *
 * @param down from h to the inner layer
 * @param downBias a
 * @param up from the inner layer out
 * @param upBias b
 * @param activation f
 */
record SmallNetwork(LinearMap down, Var downBias, LinearMap up, Var upBias, Activation activation) {
    /** A function of each number, with its derivative. */
    enum Activation {
        /** x·σ(x). */
        SILU {
            @Override
            Tensor of(Tensor x) {
                return x.silu();
            }

            @Override
            Tensor backward(Tensor x, Tensor dy) {
                return x.siluBackward(dy);
            }
        },
        /** GELU in its tanh form (arXiv 1606.08415): x·½·(1 + tanh u) = x·σ(2u). */
        GELU {
            // 2u = ROOT·(x + CUBE·x³)
            private static final double ROOT = 2 * Math.sqrt(2 / Math.PI);
            private static final double CUBE = 0.044715;

            private Tensor gate(Tensor x) {
                return x.power(3).timesInPlace(CUBE).plusInPlace(x).timesInPlace(ROOT).sigmoid();
            }

            @Override
            Tensor of(Tensor x) {
                return gate(x).timesInPlace(x);
            }

            @Override
            Tensor backward(Tensor x, Tensor dy) {
                Tensor g = gate(x);
                Tensor slope = x.times(x).timesInPlace(3 * CUBE).plusInPlace(1).timesInPlace(ROOT);
                // g + x·g·(1 − g)·slope
                Tensor inner = g.minus(g.times(g)).timesInPlace(slope).timesInPlace(x);
                return inner.plusInPlace(g).timesInPlace(dy);
            }
        };

        abstract Tensor of(Tensor x);

        /** The gradient at x from the gradient dy at f(x). */
        abstract Tensor backward(Tensor x, Tensor dy);
    }

    /** y + s·network(h), with h [N, in] and y [N, out]. */
    Var add(Tape tape, Var h, Var y, double scale) {
        Tensor out;
        Tensor inner;
        try (var here = Scope.open()) {
            inner = here.give(down.times(h.value()).plusInPlace(downBias.value()));
            Tensor u = up.times(activation.of(inner)).plusInPlace(upBias.value());
            out = here.give(y.value().plus(u.timesInPlace(scale)));
        }
        var inputs = new ArrayList<>(List.of(h, y, downBias, upBias));
        inputs.addAll(down.variables());
        inputs.addAll(up.variables());
        if (!tape.needs(inputs.toArray(Var[]::new))) return Var.constant(out);
        Saved keptH = tape.save(h);
        Tensor keptInner = tape.save(inner);
        return tape.record(
                out,
                dy -> {
                    Tensor du = dy.times(scale);
                    upBias.accumulate(du.sum(0, false));
                    Tensor df = up.backward(activation.of(keptInner), du);
                    Tensor dInner = activation.backward(keptInner, df);
                    downBias.accumulate(dInner.sum(0, false));
                    Tensor dh = down.backward(keptH.get(), dInner);
                    if (h.needsGradient()) h.accumulate(dh);
                    if (y.needsGradient()) y.accumulateShared(dy);
                });
    }
}
