package dev.gyre.adapter;

import dev.gyre.tensor.Var;

import java.util.Map;

/** The learned tensors of an adapter by name, as variables. */
public record Learned(Map<String, Var> all) {
    public Var get(String name) {
        Var var = all.get(name);
        if (var == null) throw new IllegalStateException("no learned tensor " + name);
        return var;
    }
}
