package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A diagonal matrix: every feature scaled by its own number.
 *
 * @param entries d, of any shape with as many numbers as features
 */
public record Diagonal(Var entries) implements LinearMap {
    @Override
    public long in() {
        return entries.value().elements();
    }

    @Override
    public long out() {
        return in();
    }

    private Tensor vector() {
        return entries.value().view(-1);
    }

    @Override
    public Tensor times(Tensor x) {
        return x.times(vector());
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.times(vector());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        if (entries.needsGradient())
            entries.gradientBuffer().view(-1).plusInPlace(x.times(dy).sum(0, false));
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of(entries);
    }

    @Override
    public Tensor dense() {
        return Tensor.eye(entries.value().dtype(), in()).timesInPlace(vector());
    }

    @Override
    public long bytes() {
        return entries.value().bytes();
    }
}
