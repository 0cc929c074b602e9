package dev.gyre.model;

import dev.gyre.linear.LinearMap;
import dev.gyre.quant.Dense;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Saved;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * A frozen linear map with the linear parts of adapters around it, rows of one batch each with
 * their own: y = after(W·before(x)) + beside(x) + bias. The hand-written backward pass keeps x
 * alone, or what the parts read of it (and W·before(x) where something stands after); rotations and
 * thin products are computed again, which is cheaper than keeping them.
 */
final class AdaptedLinear {
    /**
     * One span's parts, in order; {@code weight} and {@code bias} where an adapter replaces the
     * base's.
     */
    private record Parts(
            int from,
            int rows,
            List<LinearMap> before,
            List<LinearMap> after,
            List<Effect.Linear> beside,
            List<Var> biases,
            @Nullable Var weight) {
        Tensor of(Tensor all) {
            return all.size(0) == rows ? all : all.narrow(0, from, rows);
        }

        boolean learns() {
            return weight != null && weight.needsGradient()
                    || biases.stream().anyMatch(Var::needsGradient)
                    || learns(before)
                    || learns(after)
                    || beside.stream()
                            .anyMatch(e -> e.beside() != null && learns(List.of(e.beside())));
        }

        private static boolean learns(List<LinearMap> maps) {
            return maps.stream().flatMap(m -> m.variables().stream()).anyMatch(Var::needsGradient);
        }
    }

    private final Weight weight;
    private final List<Parts> spans;
    private final List<long[]> seeds = new ArrayList<>();
    private final boolean dropping;

    private AdaptedLinear(Tape tape, Slot slot, List<Parts> spans) {
        this.weight = slot.weight();
        this.spans = spans;
        this.dropping = tape.training();
        for (Parts p : spans) {
            long[] own = new long[p.beside.size()];
            for (int i = 0; i < own.length; i++)
                if (p.beside.get(i).dropout() > 0) own[i] = tape.nextSeed();
            seeds.add(own);
        }
    }

    /**
     * x [N, in] → y [N, out].
     *
     * @param bias the base's own bias, [out]; null for none
     */
    static Var apply(Tape tape, Slot slot, @Nullable Tensor bias, Var x, List<Span> spans) {
        return apply(tape, slot, bias, x, spans, true);
    }

    /**
     * As {@link #apply} where nobody reads y but a part of an adapter: the last product of a
     * stretch that is computed again, of which the backward pass reads x alone.
     *
     * @return zeros, at no cost, unless such a part reads y
     */
    static Var applyUnread(Tape tape, Slot slot, @Nullable Tensor bias, Var x, List<Span> spans) {
        return apply(tape, slot, bias, x, spans, Gates.any(slot, spans));
    }

    private static Var apply(
            Tape tape, Slot slot, @Nullable Tensor bias, Var x, List<Span> spans, boolean read) {
        var parts = spans.stream().map(s -> parts(slot, s, bias)).toList();
        var op = new AdaptedLinear(tape, slot, parts);
        boolean learns = parts.stream().anyMatch(Parts::learns);
        Var y = op.run(tape, x, learns, read);
        return Gates.apply(tape, slot, x, y, spans);
    }

    private static Parts parts(Slot slot, Span span, @Nullable Tensor bias) {
        var before = new ArrayList<LinearMap>();
        var after = new ArrayList<LinearMap>();
        var beside = new ArrayList<Effect.Linear>();
        var biases = new ArrayList<Var>();
        span.parameter(slot.name() + ".bias")
                .or(() -> java.util.Optional.ofNullable(bias).map(Var::constant))
                .ifPresent(biases::add);
        for (Effect effect : span.at(slot.name())) {
            if (!(effect instanceof Effect.Linear e)) continue;
            if (e.before() != null) before.add(e.before());
            if (e.after() != null) after.add(e.after());
            if (e.beside() != null) beside.add(e);
            if (e.bias() != null) biases.add(e.bias());
        }
        Var replaced = span.parameter(slot.name() + ".weight").orElse(null);
        return new Parts(span.from(), span.rows(), before, after, beside, biases, replaced);
    }

    private Var run(Tape tape, Var x, boolean learns, boolean read) {
        boolean records = tape.needs(x) || learns && tape.recording();
        Tensor y;
        Tensor base;
        try (var here = Scope.open()) {
            if (read || transforms()) {
                base = product(rotated(x.value()));
                y = transforms() ? base.emptyLike() : base;
                for (int i = 0; i < spans.size(); i++) finish(i, x.value(), base, y);
            } else {
                base =
                        Tensor.zeros(x.value().dtype(), 1, 1)
                                .expand(x.value().size(0), weight.out());
                y = base;
            }
            here.give(y);
            if (transforms() && records) here.give(base);
        }
        if (!records) return Var.constant(y);
        Kept kept = kept(tape, x);
        Saved keptBase = transforms() ? tape.saveActivation(base) : null;
        return tape.record(y, dy -> backward(x, kept, keptBase, dy));
    }

    private Kept kept(Tape tape, Var x) {
        var parts = new ArrayList<List<Tensor>>();
        try (var here = Scope.open()) {
            for (Parts p : spans) {
                var own = new ArrayList<Tensor>();
                for (Effect.Linear e : p.beside) {
                    Tensor rows = p.of(x.value());
                    Tensor small = e.beside() == null ? rows : e.beside().keep(rows);
                    boolean whole = small == rows || dropping && e.dropout() > 0;
                    if (whole) return new Kept(tape.save(x), List.of());
                    own.add(here.give(small));
                }
                boolean learns = p.weight != null && p.weight.needsGradient();
                if (learns || !p.before.isEmpty()) return new Kept(tape.save(x), List.of());
                parts.add(own);
            }
        }
        return new Kept(
                null, parts.stream().map(p -> p.stream().map(tape::save).toList()).toList());
    }

    private boolean transforms() {
        return spans.stream().anyMatch(p -> !p.after.isEmpty());
    }

    /** x with every {@code before} applied to its rows; x itself where there is none. */
    private Tensor rotated(Tensor x) {
        if (spans.stream().allMatch(p -> p.before.isEmpty())) return x;
        if (spans.size() == 1) return chain(spans.getFirst().before, x);
        Tensor out = x.emptyLike();
        for (Parts p : spans) p.of(out).copyFrom(chain(p.before, p.of(x)));
        return out;
    }

    private static Tensor chain(List<LinearMap> maps, Tensor x) {
        Tensor out = x;
        for (LinearMap map : maps) out = map.times(out);
        return out;
    }

    private Tensor product(Tensor x) {
        if (spans.stream().allMatch(p -> p.weight == null)) return weight.times(x);
        Tensor out = Tensor.empty(x.dtype(), x.size(0), weight.out());
        for (Parts p : spans) p.of(out).copyFrom(weightOf(p).times(p.of(x)));
        return out;
    }

    private Weight weightOf(Parts p) {
        return p.weight == null ? weight : new Dense(p.weight.value());
    }

    private void finish(int span, Tensor x, Tensor base, Tensor y) {
        Parts p = spans.get(span);
        Tensor rows = p.of(y);
        if (y != base) rows.copyFrom(chain(p.after, p.of(base)));
        for (int i = 0; i < p.beside.size(); i++) {
            LinearMap map = p.beside.get(i).beside();
            if (map != null) map.addTimes(rows, dropped(span, i, p.of(x)));
        }
        for (Var bias : p.biases) rows.plusInPlace(bias.value());
    }

    /**
     * What the i-th part beside sees: in training x with entries dropped, the same ones each time
     * it is asked.
     */
    private Tensor dropped(int span, int i, Tensor x) {
        double p = spans.get(span).beside.get(i).dropout();
        return dropping && p > 0 ? x.times(mask(seeds.get(span)[i], p, x)) : x;
    }

    private static Tensor mask(long seed, double p, Tensor x) {
        try (var here = Scope.open();
                var random = Random.seeded(seed)) {
            Tensor keep = random.uniform(0, 1, x.shape()).below(1 - p).to(x.dtype());
            return here.give(keep.timesInPlace(1 / (1 - p)));
        }
    }

    private void backward(Var x, Kept kept, @Nullable Saved keptBase, Tensor dy) {
        boolean wantsX = x.needsGradient();
        Tensor dbase = dy;
        if (keptBase != null) {
            dbase = dy.emptyLike();
            for (Parts p : spans)
                p.of(dbase).copyFrom(pull(p.after, p.of(keptBase.get()), p.of(dy)));
        }
        boolean rotates = spans.stream().anyMatch(p -> !p.before.isEmpty());
        boolean replaced = spans.stream().anyMatch(p -> p.weight != null);
        Tensor dx = null;
        if (wantsX || rotates) {
            dx =
                    replaced
                            ? Tensor.empty(dy.dtype(), dy.size(0), weight.in())
                            : weight.transposeTimes(dbase);
        }
        for (int i = 0; i < spans.size(); i++) {
            Parts p = spans.get(i);
            if (p.weight != null && p.weight.needsGradient())
                backwardOfWeight(p, p.weight, kept.x(), dbase);
            if (dx != null) {
                if (replaced) p.of(dx).copyFrom(weightOf(p).transposeTimes(p.of(dbase)));
                if (!p.before.isEmpty()) {
                    Tensor pulled = pull(p.before, p.of(kept.x()), p.of(dx));
                    if (spans.size() == 1) dx = pulled;
                    else p.of(dx).copyFrom(pulled);
                }
            }
            backwardBeside(i, kept, dy, wantsX ? dx : null);
            for (Var bias : p.biases)
                if (bias.needsGradient()) bias.accumulate(p.of(dy).sum(0, false));
        }
        if (wantsX && dx != null) x.accumulate(dx);
    }

    private void backwardBeside(int span, Kept kept, Tensor dy, @Nullable Tensor dx) {
        Parts p = spans.get(span);
        for (int i = 0; i < p.beside.size(); i++) {
            Effect.Linear e = p.beside.get(i);
            if (e.beside() == null) continue;
            boolean drops = dropping && e.dropout() > 0;
            if (kept.whole() != null && dx != null && !drops) {
                e.beside().addBackward(p.of(dx), p.of(kept.x()), p.of(dy));
                continue;
            }
            Tensor part =
                    kept.whole() == null
                            ? e.beside().backwardKept(kept.parts().get(span).get(i), p.of(dy))
                            : e.beside().backward(dropped(span, i, p.of(kept.x())), p.of(dy));
            if (dx == null) continue;
            if (drops) part = part.times(mask(seeds.get(span)[i], e.dropout(), part));
            p.of(dx).plusInPlace(part);
        }
    }

    private static void backwardOfWeight(Parts p, Var weight, Tensor keptX, Tensor dbase) {
        Tensor input = chain(p.before, p.of(keptX));
        weight.gradientBuffer().plusMatmulInPlace(p.of(dbase).transpose(0, 1), input, 1);
    }

    /**
     * The backward pass of a chain of maps: their gradients, and the gradient at the chain's input.
     */
    private static Tensor pull(List<LinearMap> maps, Tensor input, Tensor dy) {
        if (maps.isEmpty()) return dy;
        var inputs = new ArrayList<Tensor>(List.of(input));
        for (LinearMap map : maps.subList(0, maps.size() - 1))
            inputs.add(map.times(inputs.getLast()));
        Tensor d = dy;
        for (int i = maps.size() - 1; i >= 0; i--)
            d = maps.get(i).backward(inputs.get(i), d.contiguous());
        return d;
    }
}
