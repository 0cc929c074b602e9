package dev.gyre.merge;

import dev.gyre.config.UserError;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Adapters worked into the weights of their base. With the adapters' parts in order, x̃ᵀ = B_k …
 * B_1·xᵀ and y = A_k … A_1·W·x̃ᵀ + Σ C·xᵀ + bias, so W′ = A_k … A_1·W·B_k … B_1 + Σ C: the last
 * adapter's {@code before} meets the weight first. Computed in f32; nothing of the base changes.
 */
public final class Merging {
    private final Model model;
    private final List<Effects> adapters;

    /**
     * Adapters active one after another.
     *
     * @throws UserError when one of them cannot be expressed as weights
     */
    public Merging(Model model, List<Effects> adapters) {
        this.model = model;
        this.adapters = List.copyOf(adapters);
        for (Slot slot : model.slots()) check(slot);
        for (Effects adapter : adapters)
            adapter.hooks()
                    .forEach(
                            (point, hook) -> {
                                throw new UserError(
                                        "the adapter at %s cannot be merged: %s"
                                                .formatted(point, hook.whyNotMerged()));
                            });
    }

    private void check(Slot slot) {
        for (Effect effect : effects(slot)) {
            if (effect instanceof Effect.Gated(var function, var why))
                throw new UserError("the adapter at " + slot.name() + " cannot be merged: " + why);
            if (effect instanceof Effect.Linear e && e.bias() != null && slot.bias().isEmpty())
                throw new UserError(
                        "the adapter adds a bias at "
                                + slot.name()
                                + ", where this model's files have none to hold it; serve the"
                                + " adapter unmerged");
        }
    }

    private List<Effect> effects(Slot slot) {
        return adapters.stream().flatMap(a -> a.at(slot.name()).stream()).toList();
    }

    private Optional<Var> replaced(String name) {
        return adapters.reversed().stream().flatMap(a -> a.parameter(name).stream()).findFirst();
    }

    /** Whether a slot's weight differs from the base's. */
    public boolean changes(Slot slot) {
        return !effects(slot).isEmpty() || replaced(slot.name() + ".weight").isPresent();
    }

    /** Whether the head can go on sharing the embedding's weight. */
    public boolean tied() {
        return model.tiedHead()
                && model.slots().stream()
                        .filter(s -> s.kind() != Slot.Kind.LINEAR)
                        .noneMatch(this::changes);
    }

    /**
     * The merged weight of a slot, [out, in], in f32; an embedding's as its table [vocabulary,
     * width].
     */
    public Tensor weight(Slot slot) {
        try (var here = Scope.open()) {
            Tensor w =
                    replaced(slot.name() + ".weight")
                            .map(Var::value)
                            .orElseGet(() -> slot.weight().dense());
            boolean table = slot.kind() == Slot.Kind.EMBEDDING;
            Tensor sum = w;
            // A row of W·B is Bᵀ applied to a row of W; A·W maps the columns, which are the rows of
            // Wᵀ.
            for (Effect effect : effects(slot).reversed())
                if (effect instanceof Effect.Linear e && e.before() != null)
                    sum = e.before().transposeTimes(sum.contiguous());
            for (Effect effect : effects(slot)) {
                if (!(effect instanceof Effect.Linear e) || e.after() == null) continue;
                sum =
                        table
                                ? e.after().times(sum.contiguous())
                                : e.after().times(sum.transpose(0, 1).contiguous()).transpose(0, 1);
            }
            for (Effect effect : effects(slot)) {
                if (!(effect instanceof Effect.Linear e) || e.beside() == null) continue;
                Tensor c = e.beside().dense();
                sum = sum.plus(table ? c.transpose(0, 1) : c);
            }
            return here.give(sum.contiguous().copy());
        }
    }

    /** Norms and biases by name, merged, in f32. */
    public Map<String, Tensor> vectors() {
        var out = new LinkedHashMap<String, Tensor>();
        model.vectors()
                .forEach(
                        (name, value) -> {
                            Tensor own = replaced(name).map(Var::value).orElse(value);
                            out.put(name, biased(name, own));
                        });
        return out;
    }

    private Tensor biased(String name, Tensor value) {
        Tensor sum = value;
        for (Slot slot : model.slots()) {
            if (!name.equals(slot.name() + ".bias")) continue;
            for (Effect effect : effects(slot))
                if (effect instanceof Effect.Linear e && e.bias() != null)
                    sum = sum.plus(e.bias().value());
        }
        return sum;
    }

    /** How far a slot's weight moved: ‖W′ − W‖ / ‖W‖ in the Frobenius norm. */
    public double drift(Slot slot, Tensor merged) {
        try (var _ = Scope.open()) {
            Tensor base = slot.weight().dense();
            return merged.minus(base).norm().item() / base.norm().item();
        }
    }
}
