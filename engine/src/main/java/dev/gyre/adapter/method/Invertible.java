package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Settings;
import dev.gyre.config.UserError;
import dev.gyre.linear.Matrix;
import dev.gyre.model.Effects;
import dev.gyre.model.Hook;
import dev.gyre.model.HookPoint;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Sequential bottlenecks and an invertible coupling around the model (MAD-X, arXiv 2005.00052; the
 * coupling is NICE's, arXiv 1410.8516). Embedded tokens x = (x₁ | x₂), halves of ⌊d/2⌋ and the
 * rest, become y₁ = x₁ + F(x₂), y₂ = x₂ + G(y₁); where the head shares the embedding's weight, its
 * input goes back: x₂ = y₂ − G(y₁), x₁ = y₁ − F(x₂). F and G are networks with one inner layer of
 * ⌊(a half)/reduction⌋. They start at 0, so nothing changes at first.
 *
 * @param bottleneck at the slots
 * @param reduction from a half's width to the inner layer
 */
public record Invertible(Bottleneck bottleneck, int reduction) implements Method {
    private static final String NAME = "invertible";
    private static final String WHY = "what it does to embeddings is not linear";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public double learningRate() {
        return bottleneck.learningRate();
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        HookPoint in = Fits.point(NAME, HookPoint.Kind.EMBEDDED, model);
        if (in.width() / 2 / reduction < 1)
            throw new UserError(
                    "method %s: reduction = %d leaves nothing of the %d numbers of half an embedding"
                            .formatted(NAME, reduction, in.width() / 2));
        var points = new ArrayList<String>(List.of(in.name()));
        if (model.tiedHead()) points.add(Fits.point(NAME, HookPoint.Kind.HEAD, model).name());
        return new AroundModel(bottleneck.attach(slots, model), points, in.width(), reduction);
    }

    /**
     * @param points where the coupling acts, and where it is undone if anywhere
     * @param width d
     */
    private record AroundModel(
            Attachment bottlenecks, List<String> points, long width, int reduction)
            implements Attachment {
        private static String key(String half, String tensor) {
            return "invertible_adapters." + half + "." + tensor;
        }

        @Override
        public List<Declared> parameters() {
            var all = new ArrayList<>(bottlenecks.parameters());
            long first = width / 2;
            network(all, "F", width - first, first);
            network(all, "G", first, width - first);
            return all;
        }

        private void network(List<Declared> into, String half, long from, long to) {
            long inner = from / reduction;
            var start = Declared.uniform(1 / Math.sqrt(from));
            long[] down = {inner, from};
            long[] up = {to, inner};
            into.add(new Declared(key(half, "0.weight"), down, start));
            into.add(new Declared(key(half, "0.bias"), new long[] {inner}, Declared.ZEROS));
            into.add(new Declared(key(half, "2.weight"), up, Declared.ZEROS));
            into.add(new Declared(key(half, "2.bias"), new long[] {to}, Declared.ZEROS));
        }

        private static SmallNetwork network(Learned learned, String half) {
            return new SmallNetwork(
                    new Matrix(learned.get(key(half, "0.weight"))),
                    learned.get(key(half, "0.bias")),
                    new Matrix(learned.get(key(half, "2.weight"))),
                    learned.get(key(half, "2.bias")),
                    SmallNetwork.Activation.SILU);
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            var coupling = new Coupling(network(learned, "F"), network(learned, "G"), width / 2);
            var hooks = new LinkedHashMap<String, Hook>();
            hooks.put(points.getFirst(), new Hook.Mapped(coupling::forward, WHY));
            if (points.size() > 1)
                hooks.put(points.getLast(), new Hook.Mapped(coupling::inverse, WHY));
            return new Effects(bottlenecks.effects(tape, learned).slots(), Map.of(), hooks);
        }
    }

    /** Rows whose two parts, of which the first has c₁ numbers, are moved by one another. */
    record Coupling(SmallNetwork f, SmallNetwork g, long first) {
        Var forward(Tape tape, Var x) {
            Var x2 = right(tape, x);
            Var y1 = f.add(tape, x2, left(tape, x), 1);
            return SideBySide.join(tape, y1, g.add(tape, y1, x2, 1));
        }

        Var inverse(Tape tape, Var y) {
            Var y1 = left(tape, y);
            Var x2 = g.add(tape, y1, right(tape, y), -1);
            return SideBySide.join(tape, f.add(tape, x2, y1, -1), x2);
        }

        private Var left(Tape tape, Var x) {
            return SideBySide.part(tape, x, 0, first);
        }

        private Var right(Tape tape, Var x) {
            return SideBySide.part(tape, x, first, x.value().size(1) - first);
        }
    }

    /** The registry's line for invertible bottlenecks. */
    public static final MethodKind KIND =
            new OwnKind(
                    NAME,
                    "sequential bottlenecks, and an invertible network around embeddings (MAD-X)",
                    "gated",
                    "size * (2 * out + 1) + out") {
                @Override
                public Map<String, String> settings() {
                    var s = new LinkedHashMap<>(Bottleneck.SEQUENTIAL.settings());
                    s.put("reduction", "2: half an embedding's width over the inner layer's");
                    return s;
                }

                @Override
                Method read(Settings s) {
                    return new Invertible(Bottleneck.read(false, s), s.whole("reduction", 2, 1));
                }

                @Override
                public Map<String, Object> toPeft(Method method) {
                    var own = (Invertible) method;
                    var keys = new LinkedHashMap<>(own.bottleneck.keys());
                    keys.put("reduction", own.reduction);
                    return keys;
                }
            };
}
