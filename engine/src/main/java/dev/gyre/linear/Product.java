package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Maps one after another: M = s·M_k ⋯ M_1. The product is never formed; what lies between the maps
 * is computed again in the backward pass.
 *
 * @param maps the first meets the input
 * @param scale s
 */
public record Product(List<LinearMap> maps, double scale) implements LinearMap {
    public Product {
        maps = List.copyOf(maps);
        for (int i = 1; i < maps.size(); i++)
            if (maps.get(i).in() != maps.get(i - 1).out())
                throw new IllegalArgumentException(
                        "a map for rows of %d after one that gives %d"
                                .formatted(maps.get(i).in(), maps.get(i - 1).out()));
    }

    public Product(List<LinearMap> maps) {
        this(maps, 1);
    }

    public static Product of(LinearMap... maps) {
        return new Product(List.of(maps));
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
        return scaled(after(maps.getFirst().times(x)));
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {
        if (scale != 1) {
            y.plusInPlace(times(x));
            return;
        }
        Tensor last = x;
        for (LinearMap map : maps.subList(0, maps.size() - 1)) last = map.times(last);
        maps.getLast().addTimes(y, last);
    }

    /** What the maps behind the first one make of its output. */
    private Tensor after(Tensor first) {
        Tensor out = first;
        for (LinearMap map : maps.subList(1, maps.size())) out = map.times(out);
        return out;
    }

    private Tensor scaled(Tensor fresh) {
        return scale == 1 ? fresh : fresh.timesInPlace(scale);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        Tensor d = dy;
        for (LinearMap map : maps.reversed()) d = map.transposeTimes(d);
        return scaled(d);
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        return maps.getFirst().backward(x, backwardToFirst(maps.getFirst().times(x), dy));
    }

    /** The backward pass of all maps but the first, whose output is given. */
    private Tensor backwardToFirst(Tensor first, Tensor dy) {
        var inputs = new ArrayList<Tensor>(List.of(first));
        for (int i = 1; i < maps.size() - 1; i++) inputs.add(maps.get(i).times(inputs.getLast()));
        Tensor d = scale == 1 ? dy : dy.times(scale);
        for (int i = maps.size() - 1; i > 0; i--) d = maps.get(i).backward(inputs.get(i - 1), d);
        return d;
    }

    @Override
    public Tensor columns(Tensor ids) {
        return scaled(after(maps.getFirst().columns(ids)));
    }

    @Override
    public void backwardOfColumns(Tensor ids, Tensor dy) {
        LinearMap first = maps.getFirst();
        first.backwardOfColumns(ids, backwardToFirst(first.columns(ids), dy));
    }

    @Override
    public List<Var> variables() {
        return maps.stream().flatMap(m -> m.variables().stream()).toList();
    }

    @Override
    public Tensor dense() {
        Tensor first = maps.getFirst().dense();
        // A permutation has no type of its own.
        if (!variables().isEmpty()) first = first.to(variables().getFirst().value().dtype());
        return after(first.transpose(0, 1).contiguous()).times(scale).transpose(0, 1).contiguous();
    }

    /** Cut where it is narrowest, if that is narrower than the product itself. */
    @Override
    public Optional<Thin> thin() {
        if (maps.size() == 1)
            return maps.getFirst()
                    .thin()
                    .map(t -> Thin.of(t.a().value(), t.b().value(), t.scale() * scale));
        int cut = 1;
        for (int i = 2; i < maps.size(); i++) if (maps.get(i).in() < maps.get(cut).in()) cut = i;
        if (maps.get(cut).in() >= Math.min(in(), out())) return Optional.empty();
        Tensor a = new Product(maps.subList(0, cut)).dense();
        Tensor b = new Product(maps.subList(cut, maps.size())).dense();
        return Optional.of(Thin.of(a, b, scale));
    }

    @Override
    public long bytes() {
        return maps.stream().mapToLong(LinearMap::bytes).sum();
    }
}
