package dev.gyre.model;

import dev.gyre.tensor.Var;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What one adapter does to a model, place by place. The model runs it and knows no method.
 *
 * @param slots effects by slot name
 * @param parameters replaced parameters by name, such as {@code model.norm.weight} or {@code
 *     lm_head.weight}
 */
public record Effects(Map<String, Effect> slots, Map<String, Var> parameters) {
    public static final Effects NONE = new Effects(Map.of(), Map.of());

    /** The same with further parameters replaced. */
    public Effects with(Map<String, Var> more) {
        var all = new LinkedHashMap<>(parameters);
        all.putAll(more);
        return new Effects(slots, all);
    }

    public Optional<Effect> at(String slot) {
        return Optional.ofNullable(slots.get(slot));
    }

    public Optional<Var> parameter(String name) {
        return Optional.ofNullable(parameters.get(name));
    }
}
