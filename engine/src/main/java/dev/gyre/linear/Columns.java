package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.Optional;

/**
 * A matrix that is zero but for some columns: it reads a few of the features.
 *
 * @param columns [out, k]
 * @param features which, [k] (I64), no two alike
 * @param in width of what goes in
 */
public record Columns(Var columns, Tensor features, long in) implements LinearMap {
    @Override
    public long out() {
        return columns.value().size(0);
    }

    @Override
    public Tensor times(Tensor x) {
        return keep(x).linear(columns.value());
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {
        y.plusMatmulInPlace(keep(x), columns.value().transpose(0, 1), 1);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return Tensor.zeros(dy.dtype(), dy.size(0), in)
                .indexAddInPlace(1, features, dy.matmul(columns.value()));
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        return backwardKept(keep(x), dy);
    }

    /** The features that it reads, [N, k]. */
    @Override
    public Tensor keep(Tensor x) {
        return x.indexSelect(1, features);
    }

    @Override
    public Tensor backwardKept(Tensor kept, Tensor dy) {
        if (columns.needsGradient())
            columns.gradientBuffer().plusMatmulInPlace(dy.transpose(0, 1), kept, 1);
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of(columns);
    }

    @Override
    public Tensor dense() {
        return Tensor.zeros(columns.value().dtype(), out(), in)
                .indexAddInPlace(1, features, columns.value());
    }

    /** Which features, one a row; and the columns. */
    @Override
    public Optional<Thin> thin() {
        long k = features.elements();
        return Optional.of(
                Thin.of(
                        Tensor.zeros(columns.value().dtype(), k, in)
                                .indexAddInPlace(
                                        1, features, Tensor.eye(columns.value().dtype(), k)),
                        columns.value(),
                        1));
    }

    @Override
    public long bytes() {
        return columns.value().bytes() + features.bytes();
    }
}
