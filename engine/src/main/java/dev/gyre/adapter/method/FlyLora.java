package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.config.UserError;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Saved;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * FlyLoRA (arXiv 2510.08396): LoRA whose frozen sparse A is a router. Of u = x·Aᵀ each token keeps
 * the k entries with the largest u + d (signed, as in the authors' PEFT code and equation 10), and
 * y = x·Wᵀ + bias + s·(M ⊙ u)·Bᵀ with s = alpha/r. B alone learns by gradients; d, which only
 * selects, moves after each step by ±η towards columns that were used less than the others. Starts
 * at B = 0.
 *
 * @param rank r
 * @param active k, columns of B used for a token
 * @param alpha numerator of s
 * @param balance η
 */
public record FlyLora(int rank, int active, double alpha, double balance) implements Method {
    public FlyLora {
        if (active > rank)
            throw new UserError(
                    "method flylora: active = %d must be at most the rank, %d"
                            .formatted(active, rank));
    }

    @Override
    public String name() {
        return "flylora";
    }

    @Override
    public double learningRate() {
        return 3e-4;
    }

    private static String a(Slot slot) {
        return slot.name() + ".flylora_A.weight";
    }

    private static String b(Slot slot) {
        return slot.name() + ".flylora_B.weight";
    }

    private static String d(Slot slot) {
        return slot.name() + ".flylora_bias";
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        slots.forEach(s -> Fits.linear(name(), s));
        return new Routing(slots);
    }

    private final class Routing implements Attachment {
        private final List<Slot> slots;

        /** Tokens of this step that used each column, by slot. */
        private final Map<String, double[]> used = new HashMap<>();

        Routing(List<Slot> slots) {
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            return slots.stream()
                    .flatMap(
                            slot ->
                                    List.of(
                                            Declared.kept(
                                                    a(slot),
                                                    new long[] {rank, slot.in()},
                                                    FlyLora.this::sparse),
                                            new Declared(
                                                    b(slot),
                                                    new long[] {slot.out(), rank},
                                                    Declared.ZEROS),
                                            Declared.kept(
                                                    d(slot), new long[] {rank}, Declared.ZEROS))
                                            .stream())
                    .toList();
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            boolean counts = tape.training();
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                Var b = learned.get(b(slot));
                Tensor a = learned.get(a(slot)).value();
                Tensor d = learned.get(d(slot)).value();
                effects.put(
                        slot.name(),
                        new Effect.Gated(
                                (t, x, y) -> {
                                    Tensor mask = selected(x.value(), a, d);
                                    if (counts) count(slot, mask);
                                    return routed(t, x, y, a, b, mask);
                                },
                                "its active columns depend on the input"));
            }
            return new Effects(effects, Map.of());
        }

        /** A pass that is computed again counts twice, which changes no sign below. */
        private void count(Slot slot, Tensor mask) {
            double[] more = mask.sum(0, false).toDoubles();
            // Passes go on several cores at once; whole numbers add up alike in any order.
            synchronized (used) {
                double[] all = used.computeIfAbsent(slot.name(), n -> new double[rank]);
                for (int i = 0; i < rank; i++) all[i] += more[i];
            }
        }

        @Override
        public void updated(Learned learned) {
            for (Slot slot : slots) {
                double[] counts = used.remove(slot.name());
                if (counts == null) continue;
                double mean = 0;
                for (double c : counts) mean += c / rank;
                float[] moves = new float[rank];
                for (int i = 0; i < rank; i++)
                    moves[i] = (float) (balance * Math.signum(mean - counts[i]));
                try (var _ = Scope.open()) {
                    learned.get(d(slot)).value().plusInPlace(Tensor.of(moves));
                }
            }
        }
    }

    /** Rows of in·k/r numbers of N(0, 1/r²) at random places, the rest 0. */
    private Tensor sparse(Random random, long[] shape) {
        int in = (int) shape[1];
        int filled = Math.max(1, (int) ((long) in * active / rank));
        float[] mask = new float[rank * in];
        for (int row = 0; row < rank; row++) {
            int[] order = random.permutation(in);
            for (int i = 0; i < filled; i++) mask[row * in + order[i]] = 1;
        }
        return random.normal(shape).timesInPlace(1.0 / rank).timesInPlace(Tensor.of(mask, shape));
    }

    /** 1 where a row of x·Aᵀ + d is among its k largest, else 0; [N, r]. */
    private Tensor selected(Tensor x, Tensor a, Tensor d) {
        try (var here = Scope.open()) {
            Tensor score = x.linear(a).plusInPlace(d);
            Tensor place = score.argsort(1, true).argsort(1, false);
            return here.give(place.to(DType.F32).below(active).to(x.dtype()));
        }
    }

    private Var routed(Tape tape, Var x, Var y, Tensor a, Var b, Tensor mask) {
        double s = alpha / rank;
        Tensor out = y.value().copy();
        try (var _ = Scope.open()) {
            Tensor u = x.value().linear(a).timesInPlace(mask);
            out.plusInPlace(u.linear(b.value()).timesInPlace(s));
        }
        if (!tape.needs(x, y, b)) return Var.constant(out);
        Saved keptX = tape.save(x);
        Tensor keptMask = tape.save(mask);
        return tape.record(
                out,
                dy -> {
                    if (b.needsGradient()) {
                        Tensor u = keptX.get().linear(a).timesInPlace(keptMask);
                        b.gradientBuffer().plusMatmulInPlace(dy.transpose(0, 1), u, s);
                    }
                    if (x.needsGradient()) {
                        Tensor du = dy.matmul(b.value()).timesInPlace(keptMask).timesInPlace(s);
                        x.accumulate(du.matmul(a));
                    }
                    y.accumulateShared(dy);
                });
    }

    /** The registry's line for FlyLoRA. */
    public static final MethodKind KIND = new FlyLoraKind();
}
