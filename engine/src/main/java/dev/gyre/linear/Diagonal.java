package dev.gyre.linear;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * Scales each feature: M = diag(d).
 *
 * @param factors d, [n]
 */
public record Diagonal(Var factors) implements LinearMap {
    @Override
    public long in() {
        return factors.value().size(0);
    }

    @Override
    public long out() {
        return in();
    }

    @Override
    public Tensor times(Tensor x) {
        return x.times(factors.value());
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.times(factors.value());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        if (factors.needsGradient()) factors.accumulate(dy.times(x).sum(0, false));
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of(factors);
    }

    @Override
    public Tensor dense() {
        DType type = factors.value().dtype();
        return Tensor.eye(type, in()).timesInPlace(factors.value());
    }

    @Override
    public long bytes() {
        return factors.value().bytes();
    }
}
