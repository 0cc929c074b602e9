package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Diagonal;
import dev.gyre.linear.Kronecker;
import dev.gyre.linear.LinearMap;
import dev.gyre.linear.Matrix;
import dev.gyre.linear.Product;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * A vector-based random tensor network (TeRA, ACL 2026, long paper 106, of which only the abstract
 * was at hand; the form below is ours): the update is a Tucker product with a random core and
 * random factors, frozen and shared by all slots of one shape, and learned diagonals. With each
 * width split in two near its root, m = m₁·m₂ and n = n₁·n₂,
 *
 * <pre>ΔW = s·(A₁D₁ ⊗ A₂D₂)·C·(A₃D₃ ⊗ A₄D₄)ᵀ, C [m, n], A_k [d_k, d_k], D_k diagonal</pre>
 *
 * <p>so its rank is full while m₁ + m₂ + n₁ + n₂ numbers learn. Starts at D₁ = 0, the other D = 1.
 *
 * @param scale s
 * @param key seed of the core and the factors, which files do not hold
 */
public record TeRa(double scale, long key) implements Method {
    @Override
    public String name() {
        return "tera";
    }

    @Override
    public double learningRate() {
        return 2e-2;
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        slots.forEach(s -> Fits.linear(name(), s));
        return new OnSlots(slots);
    }

    /** The four modes of a slot: two of its output, two of its input. */
    static long[] modes(Slot slot) {
        long m = largestDivisorToRoot(slot.out());
        long n = largestDivisorToRoot(slot.in());
        return new long[] {m, slot.out() / m, n, slot.in() / n};
    }

    private static long largestDivisorToRoot(long width) {
        long d = (long) Math.sqrt(width);
        while (width % d != 0) d--;
        return d;
    }

    private static String shape(Slot slot) {
        return slot.out() + "x" + slot.in();
    }

    private static String core(Slot slot) {
        return "tera_core." + shape(slot);
    }

    private static String factor(Slot slot, int mode) {
        return "tera_factor." + shape(slot) + "." + mode;
    }

    private static String diagonal(Slot slot, int mode) {
        return slot.name() + ".tera_d." + mode;
    }

    private final class OnSlots implements Attachment {
        private final List<Slot> slots;

        OnSlots(List<Slot> slots) {
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            var all = new ArrayList<Declared>();
            var drawn = new LinkedHashSet<String>();
            for (Slot slot : slots) {
                long[] modes = modes(slot);
                if (drawn.add(shape(slot))) {
                    long[] shape = {slot.out(), slot.in()};
                    all.add(Declared.derived(core(slot), shape, (_, s) -> normal(slot, s)));
                    for (int k = 0; k < modes.length; k++) {
                        int mode = k;
                        long[] square = {modes[k], modes[k]};
                        all.add(
                                Declared.derived(
                                        factor(slot, k), square, (_, s) -> uniform(slot, mode, s)));
                    }
                }
                for (int k = 0; k < modes.length; k++)
                    all.add(
                            new Declared(
                                    diagonal(slot, k),
                                    new long[] {modes[k]},
                                    k == 0 ? Declared.ZEROS : Fits.ONES));
            }
            return all;
        }

        private long seed(Slot slot, int part) {
            return (key * 31 + slot.out()) * 1_000_003 + slot.in() * 8 + part;
        }

        private Tensor normal(Slot slot, long[] shape) {
            try (var random = Random.seeded(seed(slot, 7))) {
                return random.normal(shape);
            }
        }

        private Tensor uniform(Slot slot, int mode, long[] shape) {
            double bound = 1 / Math.sqrt(shape[0]);
            try (var random = Random.seeded(seed(slot, mode))) {
                return random.uniform(-bound, bound, shape);
            }
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots)
                effects.put(slot.name(), Effect.beside(map(tape, slot, learned)));
            return new Effects(effects, Map.of());
        }

        private LinearMap map(Tape tape, Slot slot, Learned learned) {
            var factors = new Tensor[4];
            var diagonals = new Var[4];
            for (int k = 0; k < 4; k++) {
                factors[k] = learned.get(factor(slot, k)).value();
                diagonals[k] = learned.get(diagonal(slot, k));
            }
            return network(tape, learned.get(core(slot)).value(), factors, diagonals, scale);
        }
    }

    /** ΔW of the class's comment, as maps one after another. */
    static LinearMap network(
            Tape tape, Tensor core, Tensor[] factors, Var[] diagonals, double scale) {
        return new Product(
                List.of(
                        new Kronecker(turned(factors[2]), turned(factors[3])),
                        new Diagonal(outer(tape, diagonals[2], diagonals[3])),
                        new Matrix(Var.constant(core)),
                        new Diagonal(outer(tape, diagonals[0], diagonals[1])),
                        new Kronecker(frozen(factors[0]), frozen(factors[1]))),
                scale);
    }

    private static Matrix frozen(Tensor a) {
        return new Matrix(Var.constant(a));
    }

    private static Matrix turned(Tensor a) {
        return frozen(a.transpose(0, 1));
    }

    /** All products of a number of a with one of b, [a·b]: the diagonal of D_a ⊗ D_b. */
    private static Var outer(Tape tape, Var a, Var b) {
        Tensor column = a.value().unsqueeze(1);
        Tensor row = b.value().unsqueeze(0);
        Tensor y = column.times(row).view(-1);
        if (!tape.needs(a, b)) return Var.constant(y);
        return tape.record(
                y,
                dy -> {
                    try (var _ = Scope.open()) {
                        Tensor d = dy.view(a.value().size(0), b.value().size(0));
                        a.accumulate(d.matmul(b.value()));
                        b.accumulate(d.transpose(0, 1).matmul(a.value()));
                    }
                });
    }

    /** The registry's line for TeRA. */
    public static final MethodKind KIND = new TeRaKind();
}
