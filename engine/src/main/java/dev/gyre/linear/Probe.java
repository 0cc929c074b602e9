package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A matrix of zeros that is only there for its gradient: beside a frozen weight in any encoding, it
 * gathers the gradient that the weight would have.
 *
 * @param matrix zeros [out, in], of which one number may be stored
 */
public record Probe(Var matrix) implements LinearMap {
    @Override
    public long in() {
        return matrix.value().size(1);
    }

    @Override
    public long out() {
        return matrix.value().size(0);
    }

    @Override
    public Tensor times(Tensor x) {
        return Tensor.zeros(x.dtype(), x.size(0), out());
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {}

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return Tensor.zeros(dy.dtype(), dy.size(0), in());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        if (matrix.needsGradient())
            matrix.gradientBuffer().plusMatmulInPlace(dy.transpose(0, 1), x, 1);
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of(matrix);
    }

    @Override
    public Tensor dense() {
        return matrix.value();
    }

    @Override
    public long bytes() {
        return 0;
    }
}
