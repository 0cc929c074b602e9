package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.WalshHadamard;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * A Hadamard matrix H = H_K ⊗ H_2 ⊗ … ⊗ H_2 that does not learn: by a kernel where it applies,
 * otherwise by its factors.
 *
 * @param high H_K; null where K is 1
 * @param factors the same matrix as a product
 */
record FastHadamard(@Nullable Var high, LinearMap factors) implements LinearMap {
    private @Nullable Tensor highValue() {
        return high == null ? null : high.value();
    }

    @Override
    public long in() {
        return factors.in();
    }

    @Override
    public long out() {
        return factors.out();
    }

    @Override
    public Tensor times(Tensor x) {
        if (!Kernels.fitHadamard(x, highValue())) return factors.times(x);
        Tensor y = x.emptyLike();
        WalshHadamard.transform(x, highValue(), y);
        return y;
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        if (!Kernels.fitHadamard(dy, highValue())) return factors.transposeTimes(dy);
        Tensor dx = dy.emptyLike();
        WalshHadamard.transformBack(dy, highValue(), dx);
        return dx;
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return factors.variables();
    }

    @Override
    public Tensor dense() {
        return factors.dense();
    }

    @Override
    public long bytes() {
        return factors.bytes();
    }
}
