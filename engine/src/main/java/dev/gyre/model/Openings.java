package dev.gyre.model;

import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What adapters put before the sequences of a pass: virtual tokens, which become rows, and keys and
 * values, which take positions alone. A sequence whose beginning a cache holds has had them.
 */
final class Openings {
    private final Tokens given;
    private final Tokens widened;
    private final List<Var> sources = new ArrayList<>();
    private final int[] order;
    private final int[] own;
    private final int[] prefixes;

    private Openings(Tokens given, List<KvCache> caches, String beginning) {
        this.given = given;
        this.prefixes = new int[given.segments()];
        int[] virtual = new int[given.segments()];
        var firstRows = new LinkedHashMap<Var, Integer>();
        var rows = IntStream.builder();
        for (int s = 0; s < given.segments(); s++) {
            for (Effects adapter : beginsHere(s, caches) ? adapters(s) : List.<Effects>of()) {
                int before = virtual[s];
                Optional<Hook> hook = adapter.hook(beginning);
                if (hook.isPresent()
                        && hook.get() instanceof Hook.VirtualTokens(var added, var _)) {
                    int count = (int) added.value().size(0);
                    int first = firstRows.computeIfAbsent(added, this::source);
                    IntStream.range(first, first + count).forEach(rows::add);
                    virtual[s] += count;
                }
                prefixes[s] += adapter.positions() - (virtual[s] - before);
            }
            IntStream.range(given.starts()[s], given.starts()[s + 1]).forEach(rows::add);
        }
        this.order = rows.build().toArray();
        boolean nothing = sources.isEmpty() && Arrays.stream(prefixes).allMatch(p -> p == 0);
        this.widened = nothing ? given : widened(virtual);
        this.own = IntStream.range(0, order.length).filter(i -> order[i] < given.rows()).toArray();
    }

    private boolean beginsHere(int segment, List<KvCache> caches) {
        return given.starts()[segment + 1] > given.starts()[segment]
                && (caches.isEmpty() || caches.get(segment).length() == 0);
    }

    private List<Effects> adapters(int segment) {
        int row = given.starts()[segment];
        return given.spans().stream()
                .filter(s -> row < s.to())
                .findFirst()
                .orElseThrow()
                .adapters();
    }

    /** Takes a source in: its first row behind all that are there. */
    private int source(Var rows) {
        int first = given.rows();
        for (Var other : sources) first += (int) other.value().size(0);
        sources.add(rows);
        return first;
    }

    /**
     * The openings of a pass.
     *
     * @param beginning the name of the hook point for virtual tokens
     */
    static Openings of(Tokens tokens, List<KvCache> caches, String beginning) {
        return new Openings(tokens, caches, beginning);
    }

    private Tokens widened(int[] virtual) {
        int[] ids = new int[order.length];
        int[] positions = new int[order.length];
        int[] starts = new int[given.segments() + 1];
        int row = 0;
        for (int s = 0; s < given.segments(); s++) {
            for (int i = 0; i < virtual[s]; i++) positions[row++] = prefixes[s] + i;
            int shift = prefixes[s] + virtual[s];
            for (int i = given.starts()[s]; i < given.starts()[s + 1]; i++) {
                ids[row] = given.ids()[i];
                positions[row++] = given.positions()[i] + shift;
            }
            starts[s + 1] = row;
        }
        var spans = new ArrayList<Span>();
        for (Span span : given.spans())
            spans.add(
                    new Span(
                            moved(span.from(), starts), moved(span.to(), starts), span.adapters()));
        return new Tokens(ids, positions, starts, spans);
    }

    /** Where a segment's boundary lies among the wider rows. */
    private int moved(int row, int[] starts) {
        int at = Arrays.binarySearch(given.starts(), row);
        if (at < 0) throw new IllegalStateException("a span ends inside a segment, at row " + row);
        return starts[at];
    }

    /** The rows as the model's blocks see them. */
    Tokens tokens() {
        return widened;
    }

    /** Positions of a segment that hold keys and values without rows. */
    int prefix(int segment) {
        return prefixes[segment];
    }

    /**
     * What stands before each segment's own keys and values in one layer; an empty list where there
     * is nothing anywhere.
     *
     * @param point the layer's hook point
     */
    List<List<Hook.Prefix>> prefixes(String point) {
        if (Arrays.stream(prefixes).allMatch(p -> p == 0)) return List.of();
        var all = new ArrayList<List<Hook.Prefix>>();
        for (int s = 0; s < prefixes.length; s++) {
            List<Hook.Prefix> own =
                    prefixes[s] == 0
                            ? List.of()
                            : adapters(s).stream()
                                    .flatMap(a -> a.hook(point).stream())
                                    .filter(Hook.Prefix.class::isInstance)
                                    .map(Hook.Prefix.class::cast)
                                    .toList();
            if (own.stream().mapToInt(Hook.Prefix::length).sum() != prefixes[s])
                throw new IllegalStateException(
                        "prefixes of other lengths than " + prefixes[s] + " at " + point);
            all.add(own);
        }
        return all;
    }

    /** Rows of the tokens [N, d] with the virtual ones between. */
    Var widen(Tape tape, Var x) {
        if (sources.isEmpty()) return x;
        var all = new ArrayList<Var>();
        all.add(x);
        all.addAll(sources);
        Tensor indices = Tensor.of(order);
        Tensor joined = Tensor.cat(all.stream().map(Var::value).toList(), 0);
        Tensor y = joined.indexSelect(0, indices);
        if (!tape.needs(all.toArray(Var[]::new))) return Var.constant(y);
        Tensor kept = tape.save(indices);
        long[] shape = joined.shape();
        long[] rows = all.stream().mapToLong(v -> v.value().size(0)).toArray();
        return tape.record(
                y,
                dy -> {
                    // A virtual token's gradient is the sum over the sequences that begin with it.
                    Tensor d = Tensor.zeros(dy.dtype(), shape).indexAddInPlace(0, kept, dy);
                    long at = 0;
                    for (int i = 0; i < rows.length; i++) {
                        all.get(i).accumulateShared(d.narrow(0, at, rows[i]));
                        at += rows[i];
                    }
                });
    }

    /** The tokens' own rows [N, d] of the wider ones. */
    Var narrow(Tape tape, Var y) {
        return sources.isEmpty() ? y : Rows.pick(tape, y, Tensor.of(own));
    }
}
