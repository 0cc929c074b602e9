package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A plain matrix M, for the small or frozen factors of a composed map.
 *
 * @param values [out, in]
 */
public record Matrix(Var values) implements LinearMap {
    @Override
    public long in() {
        return values.value().size(1);
    }

    @Override
    public long out() {
        return values.value().size(0);
    }

    @Override
    public Tensor times(Tensor x) {
        return x.linear(values.value());
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.matmul(values.value());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        if (values.needsGradient())
            values.gradientBuffer().plusMatmulInPlace(dy.transpose(0, 1), x, 1);
        return transposeTimes(dy);
    }

    @Override
    public Tensor columns(Tensor ids) {
        return values.value().indexSelect(1, ids).transpose(0, 1).contiguous();
    }

    @Override
    public void backwardOfColumns(Tensor ids, Tensor dy) {
        if (values.needsGradient())
            values.gradientBuffer().indexAddInPlace(1, ids, dy.transpose(0, 1));
    }

    @Override
    public List<Var> variables() {
        return List.of(values);
    }

    @Override
    public Tensor dense() {
        return values.value();
    }

    @Override
    public long bytes() {
        return values.value().bytes();
    }
}
