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
 * @param hooks by the names of hook points
 */
public record Effects(
        Map<String, Effect> slots, Map<String, Var> parameters, Map<String, Hook> hooks) {
    public static final Effects NONE = new Effects(Map.of(), Map.of());

    public Effects(Map<String, Effect> slots, Map<String, Var> parameters) {
        this(slots, parameters, Map.of());
    }

    /** The same with further parameters replaced. */
    public Effects with(Map<String, Var> more) {
        var all = new LinkedHashMap<>(parameters);
        all.putAll(more);
        return new Effects(slots, all, hooks);
    }

    public Optional<Effect> at(String slot) {
        return Optional.ofNullable(slots.get(slot));
    }

    public Optional<Var> parameter(String name) {
        return Optional.ofNullable(parameters.get(name));
    }

    public Optional<Hook> hook(String point) {
        return Optional.ofNullable(hooks.get(point));
    }

    /** How many positions it takes before each sequence. */
    public int positions() {
        long rows = 0;
        int prefix = 0;
        for (Hook hook : hooks.values()) {
            if (hook instanceof Hook.VirtualTokens v) rows += v.rows().value().size(0);
            if (hook instanceof Hook.Prefix p) prefix = p.length();
        }
        return Math.toIntExact(rows) + prefix;
    }
}
