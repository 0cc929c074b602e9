package dev.gyre.linear;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A product of reflections H = H_0 · … · H_(r−1) with H_j = I − 2·v_j·v_jᵀ, in compact WY form: H =
 * I − 2·V·Sᵀ·Vᵀ with S = (I + 2·tril(VᵀV, −1))⁻¹ (Schreiber and Van Loan, 1989). Two thin products
 * a row, as a low-rank update costs, whatever r is. The map is M = H, so that x·Mᵀ = x·H_(r−1) · …
 * · H_0.
 *
 * @param unit V, [d, r], columns of length 1
 * @param solved S, [r, r], from {@link #of}
 */
public record Householder(Var unit, Tensor solved) implements Rotation {
    /** The product of the reflections along the columns of V, [d, r], each of length 1. */
    public static Householder of(Var unit) {
        try (var here = Scope.open()) {
            Tensor v = unit.value();
            Tensor identity = Tensor.eye(v.dtype(), v.size(1));
            Tensor lower = v.transpose(0, 1).matmul(v).tril(-1).timesInPlace(2);
            return new Householder(unit, here.give(lower.plusInPlace(identity).solve(identity)));
        }
    }

    @Override
    public long in() {
        return unit.value().size(0);
    }

    @Override
    public long out() {
        return in();
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor v = unit.value();
        return x.copy().plusMatmulInPlace(x.matmul(v).matmul(solved), v.transpose(0, 1), -2);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        Tensor v = unit.value();
        Tensor c = dy.matmul(v).linear(solved);
        return dy.copy().plusMatmulInPlace(c, v.transpose(0, 1), -2);
    }

    /**
     * With a = x·V·S, c = dy·V·Sᵀ and L = tril(aᵀ·c, −1): dV = −2·(xᵀ·c + dyᵀ·a − 2·V·(L + Lᵀ)).
     */
    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        Tensor v = unit.value();
        Tensor c = dy.matmul(v).linear(solved);
        if (unit.needsGradient()) {
            Tensor a = x.matmul(v).matmul(solved);
            Tensor lower = a.transpose(0, 1).matmul(c).tril(-1);
            unit.gradientBuffer()
                    .plusMatmulInPlace(x.transpose(0, 1), c, -2)
                    .plusMatmulInPlace(dy.transpose(0, 1), a, -2)
                    .plusMatmulInPlace(v, lower.plus(lower.transpose(0, 1)), 4);
        }
        return dy.copy().plusMatmulInPlace(c, v.transpose(0, 1), -2);
    }

    @Override
    public List<Var> variables() {
        return List.of(unit);
    }

    @Override
    public Tensor dense() {
        return transposeTimes(Tensor.eye(unit.value().dtype(), in()));
    }

    @Override
    public double distanceFromOrthogonal() {
        try (var _ = Scope.open()) {
            Tensor h = dense().to(DType.F64);
            return h.transpose(0, 1).matmul(h).minus(Tensor.eye(DType.F64, in())).norm().item();
        }
    }

    @Override
    public Tensor inverse() {
        return times(Tensor.eye(unit.value().dtype(), in()));
    }

    @Override
    public long bytes() {
        return unit.value().bytes() + solved.bytes();
    }
}
