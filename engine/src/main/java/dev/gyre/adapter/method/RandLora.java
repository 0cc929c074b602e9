package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Matrix;
import dev.gyre.linear.Product;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * RandLoRA (arXiv 2502.00987): a full-rank update out of random bases, frozen and shared by all
 * slots, of which only diagonals are learned. With m = min(in, out), M = max(in, out) and N = ⌈m/r⌉
 * bases, V[k·N + b, :] = λ[k, b]·A[k, :] ⊙ γ[b, :] and U[:, b·r + k] = B[:, b, k], the update is
 * s·U·V [M, m], or its transpose where the input is the wider side; s = alpha/r. U's and V's inner
 * orders differ, as they do in PEFT: a fixed pairing of random numbers other than the paper's.
 * Starts at λ = 0.
 *
 * @param rank r; a smaller one means more bases and more learned numbers
 * @param alpha numerator of s
 * @param dropout share of the adapter's inputs dropped in training
 * @param key seed of A and B, drawn as PEFT draws them
 * @param saved whether files keep A and B
 * @param bases how A and B are drawn
 */
public record RandLora(int rank, double alpha, double dropout, long key, boolean saved, Bases bases)
        implements Method {
    /** Uniform numbers; or −1, 0 and 1, one in three or in √m of them not 0. */
    enum Bases {
        DENSE,
        SPARSE,
        VERY_SPARSE
    }

    private static final String A = "randlora_A";
    private static final String B = "randlora_B";

    @Override
    public String name() {
        return "randlora";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private long count(long narrow) {
        return (narrow + rank - 1) / rank;
    }

    private static long narrow(Slot slot) {
        return Math.min(slot.in(), slot.out());
    }

    private static String lambda(Slot slot) {
        return slot.name() + ".randlora_lambda";
    }

    private static String gamma(Slot slot) {
        return slot.name() + ".randlora_gamma";
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        slots.forEach(s -> Fits.linear(name(), s));
        return new OnSlots(slots);
    }

    private final class OnSlots implements Attachment {
        private final List<Slot> slots;

        OnSlots(List<Slot> slots) {
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            long in = SharedBases.widest(slots, Slot::in);
            long out = SharedBases.widest(slots, Slot::out);
            long narrow = Math.min(in, out);
            long[] a = {rank, 1, narrow};
            long[] b = {Math.max(in, out), count(narrow), rank};
            var all = new ArrayList<Declared>();
            all.add(SharedBases.declared(A, a, saved, (r, s) -> drawn(a, b).getFirst()));
            all.add(SharedBases.declared(B, b, saved, (r, s) -> drawn(a, b).getLast()));
            for (Slot slot : slots) {
                long n = count(narrow(slot));
                long[] g = {n, narrow(slot)};
                all.add(new Declared(lambda(slot), new long[] {rank, n}, Declared.ZEROS));
                all.add(new Declared(gamma(slot), g, Declared.full(1.0 / Math.max(g[0], g[1]))));
            }
            return all;
        }

        private List<Tensor> drawn(long[] a, long[] b) {
            try (var random = Random.seeded(key)) {
                return switch (bases) {
                    case DENSE -> List.of(dense(random, a, 1), dense(random, b, b[1]));
                    case SPARSE ->
                            List.of(
                                    SharedBases.signs(random, a, 3),
                                    SharedBases.signs(random, b, 3));
                    case VERY_SPARSE -> {
                        double q = Math.sqrt(a[2]);
                        yield List.of(
                                SharedBases.signs(random, a, q), SharedBases.signs(random, b, q));
                    }
                };
            }
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            Tensor a = learned.get(A).value();
            Tensor b = learned.get(B).value();
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                long m = narrow(slot);
                Tensor u =
                        b.narrow(0, 0, Math.max(slot.in(), slot.out()))
                                .narrow(1, 0, count(m))
                                .reshape(-1, count(m) * rank);
                Var v = scaled(tape, a.narrow(2, 0, m), learned, slot);
                boolean fromNarrow = m == slot.in();
                var map =
                        fromNarrow
                                ? Product.of(new Matrix(v), new Matrix(Var.constant(u)))
                                : Product.of(
                                        new Matrix(Var.constant(u.transpose(0, 1))),
                                        new Matrix(transposed(tape, v)));
                var whole = new Product(map.maps(), alpha / rank);
                effects.put(slot.name(), new Effect.Linear(null, null, whole, null, dropout));
            }
            return new Effects(effects, Map.of());
        }
    }

    /**
     * In bf16, as PEFT with torch 2.15 draws it (torch 2.10 draws other numbers in bf16), in so
     * many parts along the middle; divided by its deviation.
     */
    private static Tensor dense(Random random, long[] shape, long parts) {
        // PyTorch's fan-in of a tensor of three dimensions is the product of the last two.
        double bound = 1 / Math.sqrt(parts == 1 ? shape[1] * shape[2] : shape[2]);
        var drawn = new ArrayList<Tensor>();
        for (long i = 0; i < parts; i++)
            drawn.add(random.uniform(-bound, bound, shape[0], shape[1] / parts, shape[2]));
        Tensor all = Tensor.cat(drawn, 1).to(DType.BF16);
        Tensor deviation = Tensor.full(DType.F32, SharedBases.deviation(all), 1).to(DType.BF16);
        return all.dividedBy(deviation).to(DType.F32);
    }

    /** V [r·N, m] of A [r, 1, m], λ [r, N] and γ [N, m]. */
    private static Var scaled(Tape tape, Tensor a, Learned learned, Slot slot) {
        Var lambda = learned.get(lambda(slot));
        Var gamma = learned.get(gamma(slot));
        long m = a.size(2);
        Tensor v;
        try (var here = Scope.open()) {
            Tensor all = lambda.value().unsqueeze(2).times(a).timesInPlace(gamma.value());
            v = here.give(all.view(-1, m));
        }
        if (!tape.needs(lambda, gamma)) return Var.constant(v);
        Tensor keptA = tape.save(a);
        Tensor l = tape.save(lambda.value());
        Tensor g = tape.save(gamma.value());
        return tape.record(
                v,
                dv -> {
                    Tensor e = dv.reshape(l.size(0), l.size(1), m).times(keptA);
                    lambda.accumulate(e.times(g).sum(2, false));
                    gamma.accumulate(e.times(l.unsqueeze(2)).sum(0, false));
                });
    }

    private static Var transposed(Tape tape, Var v) {
        Tensor t = v.value().transpose(0, 1);
        if (!tape.needs(v)) return Var.constant(t);
        return tape.record(t, dy -> v.accumulate(dy.transpose(0, 1)));
    }

    /** The registry's line for RandLoRA. */
    public static final MethodKind KIND = new RandLoraKind();
}
