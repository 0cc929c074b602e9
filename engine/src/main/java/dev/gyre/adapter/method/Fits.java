package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.config.UserError;
import dev.gyre.linear.LinearMap;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.jspecify.annotations.Nullable;

/** What methods on linear slots have in common. */
final class Fits {
    private Fits() {}

    /** Refuses an embedding. */
    static void linear(String method, Slot slot) {
        if (slot.kind() == Slot.Kind.EMBEDDING)
            throw new UserError(
                    "method %s acts on linear layers; %s is an embedding: leave it out of targets"
                            .formatted(method, slot.name()));
    }

    /** Refuses a setting that does not divide a slot's width. */
    static void divides(String method, String setting, long value, long width, Slot slot) {
        if (width % value != 0)
            throw new UserError(
                    "method %s: %s = %d does not divide the width %d of %s; near divisors: %d"
                            .formatted(
                                    method,
                                    setting,
                                    value,
                                    width,
                                    slot.name(),
                                    Oft.nearestDivisor(width, value)));
    }

    /** Refuses a setting that is larger than a slot allows. */
    static void atMost(String method, String setting, long value, long most, Slot slot) {
        if (value > most)
            throw new UserError(
                    "method %s: %s = %d is more than the %d that %s has room for"
                            .formatted(method, setting, value, most, slot.name()));
    }

    static final Declared.Initial ONES =
            (random, shape) -> Tensor.ones(dev.gyre.tensor.DType.F32, shape);

    /**
     * An effect whose {@code after} acts on the base's whole output, bias and all: A·(W·x + b₀) =
     * A·W·x + b₀ + (A − I)·b₀.
     */
    static Effect.Linear after(Tape tape, Slot slot, LinearMap map, @Nullable LinearMap beside) {
        Var bias = slot.bias().map(b -> moved(tape, map, b)).orElse(null);
        return new Effect.Linear(null, map, beside, bias, 0);
    }

    private static Var moved(Tape tape, LinearMap map, Tensor base) {
        Tensor row;
        Tensor y;
        try (var here = Scope.open()) {
            var type = map.variables().getFirst().value().dtype();
            row = here.give(base.to(type).unsqueeze(0));
            y = here.give(map.times(row).minus(row).view(-1));
        }
        if (!tape.needs(map.variables().toArray(Var[]::new))) return Var.constant(y);
        Tensor kept = tape.save(row);
        return tape.record(y, dy -> map.backward(kept, dy.unsqueeze(0)));
    }
}
