package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.ThinProducts;

import java.util.List;
import java.util.Optional;

/**
 * A product of two thin matrices, M = s·B·A: LoRA's update.
 *
 * @param a A, [rank, in]
 * @param b B, [out, rank]
 * @param scale s
 */
public record Thin(Var a, Var b, double scale) implements LinearMap {
    public Thin {
        if (a.value().size(0) != b.value().size(1))
            throw new IllegalArgumentException(
                    "A " + a.value() + " and B " + b.value() + " differ in rank");
    }

    /** With constants: A [rank, in] and B [out, rank]. */
    static Thin of(Tensor a, Tensor b, double scale) {
        return new Thin(Var.constant(a), Var.constant(b), scale);
    }

    /** The width between the two matrices. */
    public long rank() {
        return a.value().size(0);
    }

    @Override
    public long in() {
        return a.value().size(1);
    }

    @Override
    public long out() {
        return b.value().size(0);
    }

    @Override
    public Tensor times(Tensor x) {
        return x.linear(a.value()).linear(b.value()).timesInPlace(scale);
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {
        y.plusMatmulInPlace(between(x), b.value().transpose(0, 1), scale);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.matmul(b.value()).timesInPlace(scale).matmul(a.value());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        return learn(x, dy).matmul(a.value());
    }

    @Override
    public void addBackward(Tensor dx, Tensor x, Tensor dy) {
        dx.plusMatmulInPlace(learn(x, dy), a.value(), 1);
    }

    /** Adds the gradients at A and B. @return the one between them, [N, rank] */
    private Tensor learn(Tensor x, Tensor dy) {
        Tensor dh = narrow(dy, b.value()).timesInPlace(scale);
        if (b.needsGradient()) addGradient(b.gradientBuffer(), dy, between(x).timesInPlace(scale));
        if (a.needsGradient()) addGradient(a.gradientBuffer().transpose(0, 1), x, dh);
        return dh;
    }

    /** x·Aᵀ, [N, rank]. */
    private Tensor between(Tensor x) {
        return narrow(x, a.value().transpose(0, 1));
    }

    /** x·t for a thin t [wide, rank]. */
    private static Tensor narrow(Tensor x, Tensor t) {
        if (!Kernels.fitThin(x, t.size(1))) return x.matmul(t);
        Tensor h = Tensor.empty(x.dtype(), x.size(0), t.size(1));
        ThinProducts.narrow(x, t.contiguous(), h);
        return h;
    }

    /** sum += xᵀ·h. */
    private static void addGradient(Tensor sum, Tensor x, Tensor h) {
        if (!Kernels.fitThin(x, h.size(1))) {
            sum.plusMatmulInPlace(x.transpose(0, 1), h, 1);
        } else if (sum.isContiguous()) {
            ThinProducts.addGradient(x, h, sum);
        } else {
            Tensor own = Tensor.zeros(sum.dtype(), sum.shape());
            ThinProducts.addGradient(x, h, own);
            sum.plusInPlace(own);
        }
    }

    @Override
    public Tensor columns(Tensor ids) {
        return a.value().indexSelect(1, ids).transpose(0, 1).linear(b.value()).timesInPlace(scale);
    }

    @Override
    public void backwardOfColumns(Tensor ids, Tensor dy) {
        Tensor h = a.value().indexSelect(1, ids).transpose(0, 1);
        if (b.needsGradient()) b.gradientBuffer().plusMatmulInPlace(dy.transpose(0, 1), h, scale);
        if (a.needsGradient()) {
            Tensor dh = dy.matmul(b.value()).timesInPlace(scale);
            a.gradientBuffer().indexAddInPlace(1, ids, dh.transpose(0, 1));
        }
    }

    @Override
    public List<Var> variables() {
        return List.of(a, b);
    }

    @Override
    public Tensor dense() {
        return b.value().matmul(a.value()).timesInPlace(scale);
    }

    @Override
    public Optional<Thin> thin() {
        return Optional.of(of(a.value(), b.value(), scale));
    }

    @Override
    public long bytes() {
        return a.value().bytes() + b.value().bytes();
    }
}
