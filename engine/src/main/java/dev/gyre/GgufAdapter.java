package dev.gyre;

import dev.gyre.config.BadValue;
import dev.gyre.config.UserError;
import dev.gyre.format.Draft;
import dev.gyre.format.ElementType;
import dev.gyre.format.Gguf;
import dev.gyre.format.GgufKeys;
import dev.gyre.format.GgufType;
import dev.gyre.format.StoredTensor;
import dev.gyre.format.TensorSource;
import dev.gyre.linear.LinearMap;
import dev.gyre.linear.Sum;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.GgufForm;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.quant.Encodings;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The one file in which llama.cpp loads low-rank adapters beside a base: y += (alpha/r)·B·A·x with
 * A [r, in] and B [out, r], one alpha for all weights, and the rows of B in the order of
 * llama.cpp's own weight. At an embedding A lies as its transpose. What stands beside a weight adds
 * up, so several adapters become one.
 */
final class GgufAdapter {
    private static final String ALPHA = "adapter.lora.alpha";
    private static final String MERGE = "merge it instead: gyre merge --to f16";

    private final Model model;
    private final GgufForm form;
    private final Map<Slot, Thin> updates = new LinkedHashMap<>();

    private GgufAdapter(Model model, List<Effects> adapters) {
        this.model = model;
        this.form = model.gguf();
        for (Effects adapter : adapters) {
            adapter.hooks()
                    .forEach(
                            (point, hook) -> {
                                throw refusal(point, hook.whyNotMerged());
                            });
            for (String name : adapter.parameters().keySet())
                throw refusal(name, "it is trained whole; " + MERGE);
        }
        for (Slot slot : model.slots()) {
            List<LinearMap> parts =
                    adapters.stream()
                            .flatMap(a -> a.at(slot.name()).stream())
                            .map(effect -> beside(slot, effect))
                            .toList();
            if (!parts.isEmpty()) updates.put(slot, thin(slot, new Sum(parts)));
        }
    }

    private static LinearMap beside(Slot slot, Effect effect) {
        return switch (effect) {
            case Effect.Gated(var _, var why) -> throw refusal(slot.name(), why);
            case Effect.Linear e -> {
                if (e.before() != null || e.after() != null || e.beside() == null)
                    throw refusal(slot.name(), "it multiplies the weight; " + MERGE);
                if (e.bias() != null) throw refusal(slot.name(), "it adds a bias; " + MERGE);
                yield e.beside();
            }
        };
    }

    private Thin thin(Slot slot, Sum sum) {
        if (slot.weight().original().isPresent())
            throw refusal(
                    slot.name(),
                    "it would be added to the base as it is stored, and here it is kept as %s; leave --base-encoding out, or %s"
                            .formatted(slot.weight().encoding(), MERGE));
        if (slot.kind() != Slot.Kind.LINEAR && model.tiedHead())
            throw refusal(slot.name(), "embedding and head are one weight in the file; " + MERGE);
        return sum.thin()
                .orElseThrow(() -> refusal(slot.name(), "its update is not of low rank; " + MERGE));
    }

    private static UserError refusal(String where, String why) {
        return new UserError(
                "an adapter for llama.cpp adds B*A to weights and can do nothing else; the one at %s cannot be written so: %s"
                        .formatted(where, why));
    }

    /**
     * The type of a name.
     *
     * @throws BadValue when there is none
     */
    static ElementType type(String name) {
        return switch (name) {
            case "f32" -> ElementType.F32;
            case "f16" -> ElementType.F16;
            default -> throw BadValue.of("--to", name, "f32 or f16");
        };
    }

    /**
     * Writes a file, and compares what it says with the adapters.
     *
     * @throws UserError when an adapter does more than add low-rank updates to weights
     */
    static Gyre.Converted write(Base base, List<Effects> adapters, ElementType type, Path out) {
        try (var _ = Scope.open();
                var draft = Draft.of(out)) {
            var adapter = new GgufAdapter(base.model(), adapters);
            adapter.write(type, draft.place());
            var probe = DriftProbe.of(base);
            double[] ours = probe.unwritten(base.model(), adapters);
            double[] theirs = probe.under(base.model(), List.of(adapter.read(draft.place())));
            double drift = DriftProbe.drift(theirs, ours);
            draft.keep();
            long rank = adapter.updates.values().stream().mapToLong(Thin::rank).max().orElse(0);
            return new Gyre.Converted(out, adapter.updates.size(), rank, drift, probe.tokens());
        }
    }

    private void write(ElementType type, Path file) {
        double alpha = alpha();
        var keys =
                new GgufKeys()
                        .text("general.type", "adapter")
                        .text("general.architecture", form.architecture())
                        .text("adapter.type", "lora")
                        .set(ALPHA, GgufType.F32, alpha);
        var tensors = new ArrayList<TensorSource>();
        updates.forEach(
                (slot, thin) -> {
                    Tensor b = thin.b().value();
                    // llama.cpp knows one alpha; a slot with another scale has it in B.
                    double rest = alpha(thin) / alpha;
                    if (rest != 1) b = b.times(rest);
                    String name = form.name(slot.name() + ".weight");
                    tensors.add(stored(name + ".lora_a", type, across(slot, thin.a().value())));
                    tensors.add(stored(name + ".lora_b", type, inFile(slot, b)));
                });
        Gguf.write(file, keys, tensors);
    }

    /** The first slot's; never zero, which llama.cpp takes for a scale of one. */
    private double alpha() {
        return updates.values().stream()
                .mapToDouble(GgufAdapter::alpha)
                .filter(alpha -> alpha != 0)
                .findFirst()
                .orElse(1);
    }

    private static float alpha(Thin thin) {
        return (float) (thin.scale() * thin.rank());
    }

    private static TensorSource stored(String name, ElementType type, Tensor value) {
        if (!value.allFinite())
            throw new UserError(
                    name + " holds numbers that are not finite; the adapter is damaged");
        Tensor made = value.to(MergedFolder.computed(type)).contiguous();
        if (!made.allFinite())
            throw new UserError(
                    "%s holds numbers that are too large for %s; leave --to out for f32"
                            .formatted(name, type));
        return TensorSource.of(new StoredTensor(name, type, made.shape(), made.segment()));
    }

    private static Tensor across(Slot slot, Tensor a) {
        return slot.kind() == Slot.Kind.EMBEDDING ? a.transpose(0, 1) : a;
    }

    private Tensor inFile(Slot slot, Tensor b) {
        int[] order = form.fileOrder(slot.name() + ".weight");
        return order == null ? b : b.indexSelect(0, Tensor.of(order));
    }

    private Tensor fromFile(Slot slot, Tensor b) {
        int[] order = form.fileOrder(slot.name() + ".weight");
        return order == null ? b : b.zerosLike().indexAddInPlace(0, Tensor.of(order), b);
    }

    /** What a file says, as llama.cpp would have it. */
    private Effects read(Path file) {
        try (var arena = Arena.ofConfined()) {
            Gguf gguf = Gguf.open(file, arena);
            double alpha = gguf.metadata().real(ALPHA);
            var slots = new LinkedHashMap<String, Effect>();
            for (Slot slot : updates.keySet()) {
                String name = form.name(slot.name() + ".weight");
                Tensor a = across(slot, value(gguf.tensor(name + ".lora_a")));
                Tensor b = fromFile(slot, value(gguf.tensor(name + ".lora_b")));
                double scale = alpha / b.size(1);
                slots.put(
                        slot.name(),
                        Effect.beside(new Thin(Var.constant(a), Var.constant(b), scale)));
            }
            return new Effects(slots, Map.of());
        }
    }

    private static Tensor value(StoredTensor stored) {
        return Tensor.of(Encodings.decode(stored), stored.shape());
    }
}
