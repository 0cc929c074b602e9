package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.stream.Stream;

/**
 * A Kronecker product M = L ⊗ R with L [a, c] and R [b, d]: M[i·b+k, j·d+l] = L[i, j]·R[k, l], of
 * shape [a·b, c·d]. It acts on a row as on a matrix X [c, d], giving L·X·Rᵀ; neither M nor more
 * than its factors is ever formed.
 *
 * @param left L
 * @param right R
 */
public record Kronecker(LinearMap left, LinearMap right) implements LinearMap {
    @Override
    public long in() {
        return left.in() * right.in();
    }

    @Override
    public long out() {
        return left.out() * right.out();
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor t = turned(right.times(x.reshape(-1, right.in())), left.in(), right.out());
        return turned(left.times(t), right.out(), left.out()).reshape(x.size(0), out());
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        Tensor d = turned(dy, left.out(), right.out());
        Tensor dt = turned(left.transposeTimes(d), right.out(), left.in());
        return right.transposeTimes(dt).reshape(dy.size(0), in());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        Tensor rows = x.reshape(-1, right.in());
        Tensor t = turned(right.times(rows), left.in(), right.out());
        Tensor dt =
                turned(
                        left.backward(t, turned(dy, left.out(), right.out())),
                        right.out(),
                        left.in());
        return right.backward(rows, dt).reshape(x.size(0), in());
    }

    /** Matrices [n, p, q], however their rows are laid out, each transposed: [n·q, p]. */
    private static Tensor turned(Tensor x, long p, long q) {
        return x.reshape(-1, p, q).transpose(1, 2).reshape(-1, p);
    }

    @Override
    public List<Var> variables() {
        return Stream.of(left, right).flatMap(m -> m.variables().stream()).toList();
    }

    @Override
    public Tensor dense() {
        Tensor l = left.dense();
        Tensor r = right.dense();
        return l.view(l.size(0), 1, l.size(1), 1)
                .times(r.view(1, r.size(0), 1, r.size(1)))
                .reshape(out(), in());
    }

    @Override
    public long bytes() {
        return left.bytes() + right.bytes();
    }
}
