package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Low-rank Hadamard product (LoHa: FedPara, arXiv 2108.06098, and LyCORIS, arXiv 2309.14859): the
 * update is s·(A₁·B₁) ⊙ (A₂·B₂), of rank up to r², with s = alpha/r. It is the thin product of rank
 * r² whose factors are all products of a column of A₁ with one of A₂ and of a row of B₁ with one of
 * B₂, and is applied as that, so that no matrix of the weight's size is formed. Starts at B₂ = 0.
 *
 * @param rank r
 * @param alpha numerator of s
 * @param rankPattern ranks of modules by name or regular expression
 * @param alphaPattern alphas likewise
 */
public record LoHa(
        int rank, double alpha, Map<String, Double> rankPattern, Map<String, Double> alphaPattern)
        implements Method.PerSlot {
    @Override
    public String name() {
        return "loha";
    }

    @Override
    public double learningRate() {
        return 2e-3;
    }

    private static String key(Slot slot, String tensor) {
        return slot.name() + ".hada_" + tensor;
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        long r = Lycoris.rank(rank, rankPattern, slot);
        long[] a = {slot.out(), r};
        long[] b = {r, slot.in()};
        var wide = Declared.uniform(1 / Math.sqrt(slot.in()));
        var narrow = Declared.uniform(1 / Math.sqrt(r));
        return List.of(
                new Declared(key(slot, "w1_a"), a, narrow),
                new Declared(key(slot, "w1_b"), b, wide),
                new Declared(key(slot, "w2_a"), a, narrow),
                new Declared(key(slot, "w2_b"), b, Declared.ZEROS));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var b = pairs(tape, learned.get(key(slot, "w1_b")), learned.get(key(slot, "w2_b")), 0);
        Var a = pairs(tape, learned.get(key(slot, "w1_a")), learned.get(key(slot, "w2_a")), 1);
        double s = Lycoris.alpha(alpha, alphaPattern, slot) / Lycoris.rank(rank, rankPattern, slot);
        return Effect.beside(new Thin(b, a, s));
    }

    /**
     * All products of a row (dimension 0) or column (dimension 1) of one matrix with one of the
     * other: [r, n] and [r, n] → [r², n], or [n, r] and [n, r] → [n, r²].
     */
    private static Var pairs(Tape tape, Var one, Var two, int dim) {
        Tensor y;
        try (var here = Scope.open()) {
            Tensor all = one.value().unsqueeze(dim + 1).times(two.value().unsqueeze(dim));
            y = here.give(dim == 0 ? all.reshape(-1, all.size(2)) : all.reshape(all.size(0), -1));
        }
        if (!tape.needs(one, two)) return Var.constant(y);
        Tensor u = tape.save(one.value());
        Tensor v = tape.save(two.value());
        long r = u.size(dim);
        return tape.record(
                y,
                dy -> {
                    Tensor d = dim == 0 ? dy.reshape(r, r, -1) : dy.reshape(-1, r, r);
                    one.accumulate(d.times(v.unsqueeze(dim)).sum(dim + 1, false));
                    two.accumulate(d.times(u.unsqueeze(dim + 1)).sum(dim, false));
                });
    }

    /** The registry's line for LoHa. */
    public static final MethodKind KIND =
            new Lycoris(
                    "loha",
                    "LOHA",
                    "multiplies two low-rank products entry by entry, for rank up to rank"
                            + " squared") {
                @Override
                public String count() {
                    return "2 * rank * (in + out)";
                }

                @Override
                void describe(Map<String, String> settings) {}

                @Override
                Method of(int rank, double alpha, Settings s) {
                    return new LoHa(
                            rank, alpha, s.numbers("rank_pattern"), s.numbers("alpha_pattern"));
                }

                @Override
                public Set<String> peftKeys() {
                    return KEYS;
                }

                @Override
                public Method fromPeft(Tree c, Reading reading) {
                    warnOfDropout(c, reading);
                    return new LoHa(
                            PeftNumbers.rank(c, "r", 8),
                            c.realOr("alpha", 8),
                            PeftNumbers.byPattern(c, "rank_pattern"),
                            PeftNumbers.byPattern(c, "alpha_pattern"));
                }

                @Override
                public Map<String, Object> toPeft(Method method) {
                    var own = (LoHa) method;
                    return new LinkedHashMap<>(
                            keys(own.rank, own.alpha, own.rankPattern, own.alphaPattern));
                }
            };
}
