package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A parametrised hypercomplex multiplication (arXiv 2102.08597) of low rank, M = Σᵢ Rᵢ ⊗ (Bᵢ·Aᵢ)
 * over d parts. M is formed for every product: in a bottleneck it is thin, and much smaller than
 * the rows that meet it.
 *
 * @param rule Rᵢ, [d, d, d]: part, output piece, input piece
 * @param left Aᵢ, [d, q, in/d]
 * @param right Bᵢ, [d, out/d, q]
 */
public record Hypercomplex(Var rule, Var left, Var right) implements LinearMap {
    private long parts() {
        return rule.value().size(0);
    }

    @Override
    public long in() {
        return parts() * left.value().size(2);
    }

    @Override
    public long out() {
        return parts() * right.value().size(1);
    }

    /** Bᵢ·Aᵢ, [d, out/d, in/d]. */
    private Tensor large() {
        return right.value().matmul(left.value());
    }

    /** Rᵢ, a row each, [d, d·d]. */
    private Tensor rules() {
        return rule.value().view(parts(), -1);
    }

    /** M from its blocks: [piece, piece, out/d, in/d] to [out, in]. */
    private Tensor formed(Tensor large) {
        Tensor blocks = rules().transpose(0, 1).matmul(large.view(parts(), -1));
        return blocks.view(parts(), parts(), out() / parts(), in() / parts())
                .permute(0, 2, 1, 3)
                .reshape(out(), in());
    }

    @Override
    public Tensor times(Tensor x) {
        return x.linear(dense());
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.matmul(dense());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        Tensor large = large();
        Tensor g =
                dy.transpose(0, 1)
                        .matmul(x)
                        .view(parts(), out() / parts(), parts(), in() / parts())
                        .permute(0, 2, 1, 3)
                        .reshape(parts() * parts(), -1);
        if (rule.needsGradient()) {
            Tensor d = large.view(parts(), -1).matmul(g.transpose(0, 1));
            rule.accumulate(d.view(rule.value().shape()));
        }
        Tensor d = rules().matmul(g).view(large.shape());
        if (right.needsGradient())
            right.accumulate(d.matmul(left.value().transpose(1, 2)).contiguous());
        if (left.needsGradient())
            left.accumulate(right.value().transpose(1, 2).matmul(d).contiguous());
        return dy.matmul(formed(large));
    }

    @Override
    public List<Var> variables() {
        return List.of(rule, left, right);
    }

    @Override
    public Tensor dense() {
        return formed(large());
    }

    @Override
    public long bytes() {
        return rule.value().bytes() + left.value().bytes() + right.value().bytes();
    }
}
