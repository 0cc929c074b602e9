package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

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
        y.plusMatmulInPlace(x.linear(a.value()), b.value().transpose(0, 1), scale);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.matmul(b.value()).timesInPlace(scale).matmul(a.value());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        Tensor dh = dy.matmul(b.value()).timesInPlace(scale);
        if (b.needsGradient()) {
            Tensor h = x.linear(a.value());
            b.gradientBuffer().plusMatmulInPlace(dy.transpose(0, 1), h, scale);
        }
        if (a.needsGradient()) a.gradientBuffer().plusMatmulInPlace(dh.transpose(0, 1), x, 1);
        return dh.matmul(a.value());
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
