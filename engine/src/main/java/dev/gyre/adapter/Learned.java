package dev.gyre.adapter;

import dev.gyre.tensor.Var;

import java.util.Map;

/** The tensors of an adapter by name, as variables; those that do not learn are constants. */
public record Learned(Map<String, Var> all) {
    public Var get(String name) {
        Var var = all.get(name);
        if (var == null) throw new IllegalStateException("no tensor " + name);
        return var;
    }
}
