package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Kronecker;
import dev.gyre.linear.LinearMap;
import dev.gyre.linear.Matrix;
import dev.gyre.linear.Product;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Low-rank Kronecker product (LoKr: KronA, arXiv 2212.10650, and LyCORIS, arXiv 2309.14859): the
 * update is s·W₁ ⊗ W₂ with s = alpha/r, where out = a·b and in = c·d, W₁ is [a, c] and W₂ [b, d]; a
 * factor that is large against the rank is itself a product of rank r. Starts at W₁ = 0.
 *
 * @param rank r
 * @param alpha numerator of s
 * @param factor the wanted a and c; −1 for the divisors nearest below the widths' roots
 * @param both whether W₁ too may be of low rank
 * @param rankPattern ranks of modules by name or regular expression
 * @param alphaPattern alphas likewise
 */
public record LoKr(
        int rank,
        double alpha,
        int factor,
        boolean both,
        Map<String, Double> rankPattern,
        Map<String, Double> alphaPattern)
        implements Method.PerSlot {
    @Override
    public String name() {
        return "lokr";
    }

    @Override
    public double learningRate() {
        return 2e-3;
    }

    /** The smaller of the two factors of a width, by PEFT's rule. */
    static long split(long width, int factor) {
        if (factor > 0 && width % factor == 0) return factor;
        long most = factor == -1 ? width : factor;
        long m = 1;
        long n = width;
        while (m < n) {
            long next = m + 1;
            while (width % next != 0) next++;
            // PEFT compares with the first sum, 1 + width, and not with the last.
            if (next + width / next > 1 + width || next > most) break;
            m = next;
            n = width / next;
        }
        return Math.min(m, n);
    }

    private static String key(Slot slot, String tensor) {
        return slot.name() + ".lokr_" + tensor;
    }

    private int rank(Slot slot) {
        return Lycoris.rank(rank, rankPattern, slot);
    }

    private boolean thin(Slot slot, long rows, long columns) {
        return rank(slot) < Math.max(rows, columns) / 2.0;
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        long a = split(slot.out(), factor);
        long c = split(slot.in(), factor);
        var all = new ArrayList<Declared>();
        factor(all, slot, "w1", a, c, both && thin(slot, a, c), true);
        long b = slot.out() / a;
        long d = slot.in() / c;
        factor(all, slot, "w2", b, d, thin(slot, b, d), false);
        return all;
    }

    private void factor(
            List<Declared> all,
            Slot slot,
            String name,
            long rows,
            long columns,
            boolean thin,
            boolean zero) {
        if (!thin) {
            var start = zero ? Declared.ZEROS : Declared.uniform(1 / Math.sqrt(columns));
            all.add(new Declared(key(slot, name), new long[] {rows, columns}, start));
            return;
        }
        long r = rank(slot);
        var start = zero ? Declared.ZEROS : Declared.uniform(1 / Math.sqrt(r));
        all.add(new Declared(key(slot, name + "_a"), new long[] {rows, r}, start));
        all.add(
                new Declared(
                        key(slot, name + "_b"),
                        new long[] {r, columns},
                        Declared.uniform(1 / Math.sqrt(columns))));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        var map = new Kronecker(factor(slot, "w1", learned), factor(slot, "w2", learned));
        double s = Lycoris.alpha(alpha, alphaPattern, slot) / rank(slot);
        return Effect.beside(new Product(List.of(map), s));
    }

    private static LinearMap factor(Slot slot, String name, Learned learned) {
        return learned.all().containsKey(key(slot, name))
                ? new Matrix(learned.get(key(slot, name)))
                : new Thin(
                        learned.get(key(slot, name + "_b")),
                        learned.get(key(slot, name + "_a")),
                        1);
    }

    /** The registry's line for LoKr. */
    public static final MethodKind KIND = new LoKrKind();
}
