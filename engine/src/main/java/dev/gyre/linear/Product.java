package dev.gyre.linear;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;

/**
 * Several maps one after another: M = M_k · … · M_1. Nothing between them is kept for the backward
 * pass; it is computed again.
 *
 * @param maps M_1 … M_k, in the order in which they act; at least one
 */
public record Product(List<LinearMap> maps) implements LinearMap {
    public Product {
        maps = List.copyOf(maps);
        for (int i = 1; i < maps.size(); i++)
            if (maps.get(i).in() != maps.get(i - 1).out())
                throw new IllegalArgumentException(
                        "map %d takes %d features of %d"
                                .formatted(i, maps.get(i).in(), maps.get(i - 1).out()));
    }

    @Override
    public long in() {
        return maps.getFirst().in();
    }

    @Override
    public long out() {
        return maps.getLast().out();
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor y = x;
        for (LinearMap map : maps) y = map.times(y);
        return y;
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        Tensor dx = dy;
        for (LinearMap map : maps.reversed()) dx = map.transposeTimes(dx);
        return dx;
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        var inputs = new ArrayList<Tensor>(List.of(x));
        for (LinearMap map : maps.subList(0, maps.size() - 1))
            inputs.add(map.times(inputs.getLast()));
        Tensor d = dy;
        for (int i = maps.size() - 1; i >= 0; i--) d = maps.get(i).backward(inputs.get(i), d);
        return d;
    }

    @Override
    public List<Var> variables() {
        return maps.stream().flatMap(m -> m.variables().stream()).toList();
    }

    @Override
    public Tensor dense() {
        DType type = variables().isEmpty() ? DType.F32 : variables().getFirst().value().dtype();
        return times(Tensor.eye(type, in())).transpose(0, 1).contiguous();
    }

    @Override
    public long bytes() {
        return maps.stream().mapToLong(LinearMap::bytes).sum();
    }
}
