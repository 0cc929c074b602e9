package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A matrix of zeros [out, in] that is only there for what it sees: beside a frozen weight, {@link
 * #addTimes} adds up xᵀ·x of the rows that come in.
 *
 * @param sums Σ xᵀ·x, [in, in]
 */
public record Moments(Tensor sums, long out) implements LinearMap {
    @Override
    public long in() {
        return sums.size(0);
    }

    @Override
    public Tensor times(Tensor x) {
        return Tensor.zeros(x.dtype(), x.size(0), out);
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {
        sums.plusMatmulInPlace(x.transpose(0, 1), x, 1);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return Tensor.zeros(dy.dtype(), dy.size(0), in());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of();
    }

    @Override
    public Tensor dense() {
        return Tensor.zeros(sums.dtype(), out, in());
    }

    @Override
    public long bytes() {
        return sums.bytes();
    }
}
