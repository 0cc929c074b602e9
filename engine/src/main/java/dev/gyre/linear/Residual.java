package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A square map on top of the identity: I + M.
 *
 * @param map M
 */
public record Residual(LinearMap map) implements LinearMap {
    public Residual {
        if (map.in() != map.out())
            throw new IllegalArgumentException(map.in() + " features in, " + map.out() + " out");
    }

    @Override
    public long in() {
        return map.in();
    }

    @Override
    public long out() {
        return map.out();
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor y = x.copy();
        map.addTimes(y, x);
        return y;
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return map.transposeTimes(dy).plusInPlace(dy);
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        return map.backward(x, dy).plusInPlace(dy);
    }

    @Override
    public List<Var> variables() {
        return map.variables();
    }

    @Override
    public Tensor dense() {
        Tensor m = map.dense();
        return m.plus(Tensor.eye(m.dtype(), in()));
    }

    @Override
    public long bytes() {
        return map.bytes();
    }
}
