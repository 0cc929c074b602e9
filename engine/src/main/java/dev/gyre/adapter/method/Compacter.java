package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Settings;
import dev.gyre.linear.Hypercomplex;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compacter (arXiv 2106.04647): bottlenecks on layers' outputs, y′ = y + up(gelu(down(y))), whose
 * two matrices are sums of d Kronecker products, Σᵢ Rᵢ ⊗ (Bᵢ·Aᵢ). The Rᵢ [d, d] are shared by the
 * whole model, Aᵢ and Bᵢ are of rank q. Its places are the targets {@code o_proj,down_proj},
 * Compacter++'s {@code down_proj}. Starts at up's Bᵢ = 0 (the reference starts near 0, at small
 * Rᵢ), so nothing changes at first.
 *
 * @param size width of the bottleneck, divisible by d, as is every output width
 * @param parts d
 * @param rank q
 */
public record Compacter(int size, int parts, int rank) implements Method {
    private static final String RULE = "phm_rule";

    @Override
    public String name() {
        return "compacter";
    }

    @Override
    public double learningRate() {
        return 3e-3;
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        for (Slot slot : slots) {
            Fits.linear(name(), slot);
            Fits.divides(name(), "parts", parts, slot.out(), slot);
            Fits.divides(name(), "parts", parts, size, slot);
        }
        return new OnOutputs(slots);
    }

    private static String key(Slot slot, String tensor) {
        return slot.name() + ".adapter_" + tensor;
    }

    private final class OnOutputs implements Attachment {
        private final List<Slot> slots;

        OnOutputs(List<Slot> slots) {
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            var all = new ArrayList<Declared>();
            var rule =
                    new Declared(
                            RULE,
                            new long[] {parts, parts, parts},
                            Declared.normal(1 / Math.sqrt(parts)));
            all.add(rule.called("base_model." + RULE));
            for (Slot slot : slots) {
                layer(all, slot, "down", slot.out(), size, false);
                layer(all, slot, "up", size, slot.out(), true);
            }
            return all;
        }

        private void layer(
                List<Declared> into, Slot slot, String name, long in, long out, boolean zero) {
            long[] left = {parts, rank, in / parts};
            long[] right = {parts, out / parts, rank};
            into.add(new Declared(key(slot, name + ".left"), left, glorot(left)));
            into.add(
                    new Declared(
                            key(slot, name + ".right"),
                            right,
                            zero ? Declared.ZEROS : glorot(right)));
            into.add(new Declared(key(slot, name + ".bias"), new long[] {out}, Declared.ZEROS));
        }

        private static Declared.Initial glorot(long[] shape) {
            return Declared.uniform(Math.sqrt(2 * 6.0 / (shape[1] + shape[2])));
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                var network =
                        new SmallNetwork(
                                product(learned, slot, "down"),
                                learned.get(key(slot, "down.bias")),
                                product(learned, slot, "up"),
                                learned.get(key(slot, "up.bias")),
                                SmallNetwork.Activation.GELU);
                effects.put(
                        slot.name(),
                        new Effect.Gated(
                                (t, x, y) -> network.add(t, y, y, 1),
                                "what it adds is not linear in its input"));
            }
            return new Effects(effects, Map.of());
        }

        private static Hypercomplex product(Learned learned, Slot slot, String name) {
            return new Hypercomplex(
                    learned.get(RULE),
                    learned.get(key(slot, name + ".left")),
                    learned.get(key(slot, name + ".right")));
        }
    }

    /** The registry's line for Compacter. */
    public static final MethodKind KIND =
            new OwnKind(
                    "compacter",
                    "bottlenecks whose matrices are sums of Kronecker products, mostly shared",
                    "gated",
                    "(2 * rank + 1) * (size + out)") {
                @Override
                public Map<String, String> settings() {
                    var s = new LinkedHashMap<String, String>();
                    s.put("size", "16: width of the bottleneck, divisible by parts");
                    s.put("parts", "4: Kronecker products summed; divides every output width");
                    s.put("rank", "1: rank of their large factors");
                    return s;
                }

                @Override
                Method read(Settings s) {
                    return new Compacter(
                            s.whole("size", 16, 1), s.whole("parts", 4, 1), s.whole("rank", 1, 1));
                }

                @Override
                public Map<String, Object> toPeft(Method method) {
                    var own = (Compacter) method;
                    return Map.of("size", own.size, "parts", own.parts, "rank", own.rank);
                }
            };
}
