package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Targets;
import dev.gyre.config.UserError;
import dev.gyre.linear.LinearMap;
import dev.gyre.linear.Places;
import dev.gyre.model.Effect;
import dev.gyre.model.HookPoint;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

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

    /** No slots; refuses targets that name some, for a method that acts elsewhere. */
    static List<Slot> nowhere(String method, Targets targets) {
        if (!targets.include().equals(Targets.ALL_LINEAR) || !targets.layers().isEmpty())
            throw new UserError(
                    "method %s acts on no modules: leave out targets and layers".formatted(method));
        return List.of();
    }

    /** The model's hook point of a kind. */
    static HookPoint point(String method, HookPoint.Kind kind, Model model) {
        return model.hookPoints().stream()
                .filter(p -> p.kind() == kind)
                .findFirst()
                .orElseThrow(
                        () ->
                                new UserError(
                                        "method %s does not fit the family %s, which has no place for it"
                                                .formatted(method, model.family())));
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
                                    nearestDivisor(width, value)));
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

    /**
     * PEFT's rule: the wanted number if it divides d, else the nearer of the divisors around it,
     * the lower in a tie.
     */
    static long nearestDivisor(long d, long wanted) {
        if (wanted >= d) return d;
        if (d % wanted == 0) return wanted;
        long high = wanted;
        while (d % high != 0) high++;
        long low = wanted;
        while (d % low != 0) low--;
        return wanted - low <= high - wanted ? low : high;
    }

    /**
     * Where the entries of a sparse matrix at a slot lie.
     *
     * @param both rows and columns, [2, k]
     * @throws UserError when one lies outside of the slot, or two are alike
     */
    static Places places(String method, Slot slot, Tensor both) {
        try (var _ = Scope.open()) {
            int[] rows = both.select(0, 0).toInts();
            int[] columns = both.select(0, 1).toInts();
            long[] flat = new long[rows.length];
            for (int i = 0; i < flat.length; i++) {
                flat[i] = rows[i] * slot.in() + columns[i];
                boolean inside =
                        rows[i] >= 0
                                && rows[i] < slot.out()
                                && columns[i] >= 0
                                && columns[i] < slot.in();
                if (!inside) throw misplaced(method, slot, rows[i], columns[i], "is outside of it");
            }
            long[] sorted = flat.clone();
            Arrays.sort(sorted);
            for (int i = 1; i < sorted.length; i++)
                if (sorted[i] == sorted[i - 1])
                    throw misplaced(
                            method,
                            slot,
                            sorted[i] / slot.in(),
                            sorted[i] % slot.in(),
                            "is there twice");
            return new Places(flat, (int) slot.out(), (int) slot.in());
        }
    }

    private static UserError misplaced(
            String method, Slot slot, long row, long column, String what) {
        return new UserError(
                "method %s: of the places in %s, [%d, %d], row %d and column %d %s"
                        .formatted(method, slot.name(), slot.out(), slot.in(), row, column, what));
    }

    /** The first k of a random order of 0 … n−1. */
    static Tensor firstOf(long n, int k, long seed) {
        float[] out = new float[k];
        try (var random = Random.seeded(seed)) {
            int[] order = random.permutation(Math.toIntExact(n));
            for (int i = 0; i < k; i++) out[i] = (float) order[i];
        }
        return Tensor.of(out);
    }

    /** PEFT's rule: the first pattern that matches the end of the module's path. */
    static java.util.Optional<Double> pattern(Map<String, Double> patterns, Slot slot) {
        return patterns.entrySet().stream()
                .filter(
                        e ->
                                Pattern.compile("(.*\\.)?(" + e.getKey() + ")")
                                        .matcher(slot.name())
                                        .matches())
                .map(Map.Entry::getValue)
                .findFirst();
    }
}
