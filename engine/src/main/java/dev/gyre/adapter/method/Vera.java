package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Diagonal;
import dev.gyre.linear.Matrix;
import dev.gyre.linear.Product;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Vector-based random matrix adaptation (VeRA, arXiv 2310.11454): y = x·Wᵀ + bias + b ⊙ ((d ⊙
 * (drop(x)·Aᵀ))·Bᵀ), where A and B are random, frozen and shared by all slots, cut to each slot's
 * widths, and the vectors b and d are learned. Starts at b = 0 and d = {@code start}.
 *
 * @param rank r
 * @param start first value of d
 * @param dropout share of the adapter's inputs dropped in training
 * @param key seed of A and B, drawn as PEFT draws them
 * @param saved whether files keep A and B
 */
public record Vera(int rank, double start, double dropout, long key, boolean saved)
        implements Method {
    private static final String A = "vera_A";
    private static final String B = "vera_B";

    @Override
    public String name() {
        return "vera";
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

    private final class OnSlots implements Attachment {
        private final List<Slot> slots;

        OnSlots(List<Slot> slots) {
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            long[] a = {rank, SharedBases.widest(slots, Slot::in)};
            long[] b = {SharedBases.widest(slots, Slot::out), rank};
            var all = new ArrayList<Declared>();
            all.add(SharedBases.declared(A, a, saved, (r, s) -> drawn(a)));
            all.add(SharedBases.declared(B, b, saved, (r, s) -> drawn(a, b)));
            for (Slot slot : slots) {
                all.add(new Declared(lambdaB(slot), new long[] {slot.out()}, Declared.ZEROS));
                all.add(new Declared(lambdaD(slot), new long[] {rank}, Declared.full(start)));
            }
            return all;
        }

        /** The last of these tensors, drawn one after another. */
        private Tensor drawn(long[]... shapes) {
            Tensor last = Tensor.empty(dev.gyre.tensor.DType.F32, 0);
            try (var random = Random.seeded(key)) {
                for (long[] shape : shapes) {
                    double bound = Math.sqrt(6.0 / shape[1]);
                    last = random.uniform(-bound, bound, shape);
                }
            }
            return last;
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            Tensor a = learned.get(A).value();
            Tensor b = learned.get(B).value();
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                var map =
                        Product.of(
                                new Matrix(Var.constant(a.narrow(1, 0, slot.in()))),
                                new Diagonal(learned.get(lambdaD(slot))),
                                new Matrix(Var.constant(b.narrow(0, 0, slot.out()))),
                                new Diagonal(learned.get(lambdaB(slot))));
                effects.put(slot.name(), new Effect.Linear(null, null, map, null, dropout));
            }
            return new Effects(effects, Map.of());
        }
    }

    private static String lambdaB(Slot slot) {
        return slot.name() + ".vera_lambda_b";
    }

    private static String lambdaD(Slot slot) {
        return slot.name() + ".vera_lambda_d";
    }

    /** The registry's line for VeRA. */
    public static final MethodKind KIND = new VeraKind();
}
