package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.Optional;

/**
 * Maps beside one another: M = M_1 + ⋯ + M_k.
 *
 * @param maps all of one shape
 */
public record Sum(List<LinearMap> maps) implements LinearMap {
    public Sum {
        maps = List.copyOf(maps);
        for (LinearMap map : maps)
            if (map.in() != maps.getFirst().in() || map.out() != maps.getFirst().out())
                throw new IllegalArgumentException("maps of different shapes have no sum");
    }

    @Override
    public long in() {
        return maps.getFirst().in();
    }

    @Override
    public long out() {
        return maps.getFirst().out();
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor y = maps.getFirst().times(x);
        for (LinearMap map : rest()) map.addTimes(y, x);
        return y;
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {
        for (LinearMap map : maps) map.addTimes(y, x);
    }

    private List<LinearMap> rest() {
        return maps.subList(1, maps.size());
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        Tensor dx = maps.getFirst().transposeTimes(dy);
        for (LinearMap map : rest()) dx = dx.plus(map.transposeTimes(dy));
        return dx;
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        Tensor dx = maps.getFirst().backward(x, dy);
        for (LinearMap map : rest()) dx = dx.plus(map.backward(x, dy));
        return dx;
    }

    @Override
    public Tensor columns(Tensor ids) {
        Tensor y = maps.getFirst().columns(ids);
        for (LinearMap map : rest()) y = y.plus(map.columns(ids));
        return y;
    }

    @Override
    public void backwardOfColumns(Tensor ids, Tensor dy) {
        for (LinearMap map : maps) map.backwardOfColumns(ids, dy);
    }

    @Override
    public List<Var> variables() {
        return maps.stream().flatMap(m -> m.variables().stream()).toList();
    }

    @Override
    public Tensor dense() {
        Tensor sum = maps.getFirst().dense();
        for (LinearMap map : rest()) sum = sum.plus(map.dense());
        return sum;
    }

    /** Side by side: the scales go into B, unless all are one. */
    @Override
    public Optional<Thin> thin() {
        List<Thin> all = maps.stream().flatMap(m -> m.thin().stream()).toList();
        if (all.size() < maps.size()) return Optional.empty();
        double scale = all.getFirst().scale();
        boolean same = all.stream().allMatch(t -> t.scale() == scale);
        return Optional.of(
                Thin.of(
                        Tensor.cat(all.stream().map(t -> t.a().value()).toList(), 0),
                        Tensor.cat(
                                all.stream()
                                        .map(
                                                t ->
                                                        same
                                                                ? t.b().value()
                                                                : t.b().value().times(t.scale()))
                                        .toList(),
                                1),
                        same ? scale : 1));
    }

    @Override
    public long bytes() {
        return maps.stream().mapToLong(LinearMap::bytes).sum();
    }
}
