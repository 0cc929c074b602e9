package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A parametrised hypercomplex multiplication (arXiv 2102.08597) of low rank, M = Σᵢ Rᵢ ⊗ (Bᵢ·Aᵢ)
 * over d parts. It acts on a row as on a matrix of d pieces: Aᵢ shortens each piece to q numbers,
 * Rᵢ mixes the pieces, Bᵢ lengthens them. M is never formed.
 *
 * @param rule Rᵢ, [d, d, d]: part, output piece, input piece
 * @param left Aᵢ, [d, q, in/d]
 * @param right Bᵢ, [d, out/d, q]
 */
public record Hypercomplex(Var rule, Var left, Var right) implements LinearMap {
    private long parts() {
        return rule.value().size(0);
    }

    private long rank() {
        return left.value().size(1);
    }

    @Override
    public long in() {
        return parts() * left.value().size(2);
    }

    @Override
    public long out() {
        return parts() * right.value().size(1);
    }

    /** All Aᵢ under one another: [d·q, in/d]. */
    private Tensor shorten() {
        return left.value().view(parts() * rank(), -1);
    }

    /** All Bᵢ beside one another: [out/d, d·q]. */
    private Tensor lengthen() {
        return right.value().permute(1, 0, 2).reshape(-1, parts() * rank());
    }

    private Tensor pieces(Tensor rows) {
        return rows.reshape(rows.size(0) * parts(), rows.size(1) / parts());
    }

    /** Short pieces [N·d, d·q] as [part, piece, N·q], for the rules to act on. */
    private Tensor byPart(Tensor w) {
        return w.view(-1, parts(), parts(), rank())
                .permute(2, 1, 0, 3)
                .reshape(parts(), parts(), -1);
    }

    /** The way back from {@link #byPart}. */
    private Tensor byPiece(Tensor v) {
        return v.view(parts(), parts(), -1, rank())
                .permute(2, 1, 0, 3)
                .reshape(-1, parts() * rank());
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor w = byPart(pieces(x).linear(shorten()));
        return byPiece(rule.value().matmul(w)).linear(lengthen()).view(x.size(0), out());
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        Tensor dv = byPart(pieces(dy).matmul(lengthen()));
        Tensor dw = byPiece(rule.value().transpose(1, 2).matmul(dv));
        return dw.matmul(shorten()).view(dy.size(0), in());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        Tensor rows = pieces(x);
        Tensor given = pieces(dy);
        Tensor w = byPart(rows.linear(shorten()));
        Tensor dv = byPart(given.matmul(lengthen()));
        if (right.needsGradient()) {
            Tensor v = byPiece(rule.value().matmul(w));
            Tensor d = given.transpose(0, 1).matmul(v).view(-1, parts(), rank());
            right.accumulate(d.permute(1, 0, 2).contiguous());
        }
        if (rule.needsGradient()) rule.accumulate(dv.matmul(w.transpose(1, 2)));
        Tensor dw = byPiece(rule.value().transpose(1, 2).matmul(dv));
        if (left.needsGradient())
            left.accumulate(dw.transpose(0, 1).matmul(rows).view(left.value().shape()));
        return dw.matmul(shorten()).view(x.size(0), in());
    }

    @Override
    public List<Var> variables() {
        return List.of(rule, left, right);
    }

    @Override
    public Tensor dense() {
        Tensor sum = Tensor.zeros(rule.value().dtype(), out(), in());
        for (long i = 0; i < parts(); i++) {
            Tensor large = right.value().select(0, i).matmul(left.value().select(0, i));
            var product =
                    new Kronecker(
                            new Matrix(Var.constant(rule.value().select(0, i))),
                            new Matrix(Var.constant(large)));
            sum.plusInPlace(product.dense());
        }
        return sum;
    }

    @Override
    public long bytes() {
        return rule.value().bytes() + left.value().bytes() + right.value().bytes();
    }
}
