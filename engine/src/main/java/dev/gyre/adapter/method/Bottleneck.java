package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Settings;
import dev.gyre.linear.Matrix;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Bottleneck adapters at linear layers: y′ = y + s·up(silu(down(h))), where h is the layer's output
 * y (sequential, Houlsby et al., arXiv 1902.00751) or its input x (parallel, He et al., arXiv
 * 2110.04366), and down and up are linear with biases. Houlsby's places are the targets {@code
 * o_proj,down_proj}, Pfeiffer's {@code down_proj}. Starts at up = 0.
 *
 * @param parallel whether h is the input
 * @param size width of the bottleneck
 * @param scale s
 */
public record Bottleneck(boolean parallel, int size, double scale) implements Method.PerSlot {
    @Override
    public String name() {
        return parallel ? "parallel" : "sequential";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private static String key(Slot slot, String tensor) {
        return slot.name() + ".adapter_" + tensor;
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        long from = parallel ? slot.in() : slot.out();
        var start = Declared.uniform(1 / Math.sqrt(from));
        long[] down = {size, from};
        long[] up = {slot.out(), size};
        return List.of(
                new Declared(key(slot, "down.weight"), down, start),
                new Declared(key(slot, "down.bias"), new long[] {size}, Declared.ZEROS),
                new Declared(key(slot, "up.weight"), up, Declared.ZEROS),
                new Declared(key(slot, "up.bias"), new long[] {slot.out()}, Declared.ZEROS));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        var network =
                new SmallNetwork(
                        new Matrix(learned.get(key(slot, "down.weight"))),
                        learned.get(key(slot, "down.bias")),
                        new Matrix(learned.get(key(slot, "up.weight"))),
                        learned.get(key(slot, "up.bias")),
                        SmallNetwork.Activation.SILU);
        return new Effect.Gated(
                (t, x, y) -> network.add(t, parallel ? x : y, y, scale),
                "what it adds is not linear in its input");
    }

    static Bottleneck read(boolean parallel, Settings s) {
        return new Bottleneck(
                parallel,
                s.whole("size", 16, 1),
                s.real("scale", 1, 0, false, Double.POSITIVE_INFINITY));
    }

    Map<String, Object> keys() {
        return Map.of("size", size, "scale", scale);
    }

    /** The registry's line for sequential bottlenecks. */
    public static final MethodKind SEQUENTIAL =
            new Kind(false, "a small network after a layer, on its output (Houlsby, Pfeiffer)");

    /** The registry's line for parallel bottlenecks. */
    public static final MethodKind PARALLEL =
            new Kind(true, "a small network beside a layer, from its input to its output");

    private static final class Kind extends OwnKind {
        private final boolean parallel;

        Kind(boolean parallel, String summary) {
            super(
                    parallel ? "parallel" : "sequential",
                    summary,
                    "gated",
                    parallel ? "size * (in + out + 1) + out" : "size * (2 * out + 1) + out");
            this.parallel = parallel;
        }

        @Override
        public Map<String, String> settings() {
            var s = new LinkedHashMap<String, String>();
            s.put("size", "16: width of the bottleneck");
            s.put("scale", "1: factor on what is added, above 0");
            return s;
        }

        @Override
        Method read(Settings s) {
            return Bottleneck.read(parallel, s);
        }

        @Override
        public Map<String, Object> toPeft(Method method) {
            return ((Bottleneck) method).keys();
        }
    }
}
