package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A matrix that is zero but for some entries. For many rows it multiplies as the whole matrix, made
 * for the occasion: at the densities that are used (1 to 10 %) a dense product is faster than one
 * that gathers. For a few rows it gathers.
 *
 * @param values [k]
 * @param places where: output · in + input, [k] (I64), no two alike
 * @param out width of what comes out
 * @param in width of what goes in
 */
public record Entries(Var values, Tensor places, long out, long in) implements LinearMap {
    /** Rows up to which it gathers: then a product reads less memory than the matrix has. */
    private static final long FEW = 4;

    @Override
    public Tensor times(Tensor x) {
        if (x.size(0) > FEW) return x.linear(dense());
        Tensor y = Tensor.zeros(x.dtype(), x.size(0), out);
        return y.indexAddInPlace(
                1, places.floorDividedBy(in), x.indexSelect(1, inputs()).times(values.value()));
    }

    private Tensor inputs() {
        return places.remainder(in);
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {
        if (x.size(0) > FEW) y.plusMatmulInPlace(x, dense().transpose(0, 1), 1);
        else y.plusInPlace(times(x));
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.matmul(dense());
    }

    /** The gradient of the whole matrix, of which the entries are read: no product is cheaper. */
    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        if (values.needsGradient()) {
            Tensor whole = dy.transpose(0, 1).matmul(x).view(-1);
            values.gradientBuffer().plusInPlace(whole.indexSelect(0, places));
        }
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of(values);
    }

    @Override
    public Tensor dense() {
        Tensor matrix = Tensor.zeros(values.value().dtype(), out * in);
        return matrix.scatterInPlace(0, places, values.value()).view(out, in);
    }

    @Override
    public long bytes() {
        return values.value().bytes() + places.bytes();
    }
}
