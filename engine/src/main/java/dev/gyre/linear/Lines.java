package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.Optional;

/**
 * A matrix that is zero but for some rows: it writes a few of the features.
 *
 * @param rows [k, in]
 * @param features which, [k] (I64), no two alike
 * @param out width of what comes out
 */
public record Lines(Var rows, Tensor features, long out) implements LinearMap {
    @Override
    public long in() {
        return rows.value().size(1);
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor y = Tensor.zeros(x.dtype(), x.size(0), out);
        addTimes(y, x);
        return y;
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {
        y.indexAddInPlace(1, features, x.linear(rows.value()));
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.indexSelect(1, features).matmul(rows.value());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        Tensor own = dy.indexSelect(1, features);
        if (rows.needsGradient())
            rows.gradientBuffer().plusMatmulInPlace(own.transpose(0, 1), x, 1);
        return own.matmul(rows.value());
    }

    @Override
    public List<Var> variables() {
        return List.of(rows);
    }

    @Override
    public Tensor dense() {
        return Tensor.zeros(rows.value().dtype(), out, in())
                .indexAddInPlace(0, features, rows.value());
    }

    /** The rows; and where they go. */
    @Override
    public Optional<Thin> thin() {
        long k = features.elements();
        return Optional.of(
                Thin.of(
                        rows.value(),
                        Tensor.zeros(rows.value().dtype(), out, k)
                                .indexAddInPlace(0, features, Tensor.eye(rows.value().dtype(), k)),
                        1));
    }

    @Override
    public long bytes() {
        return rows.value().bytes() + features.bytes();
    }
}
