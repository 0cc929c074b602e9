package dev.gyre.adapter;

import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tensor;

/**
 * A tensor of a method.
 *
 * @param name the slot's name, a dot, and the tensor's own name; or any other name, for a tensor
 *     that slots share
 * @param initial makes its first value
 * @param role whether it learns, and whether files keep it
 * @param file its name in PEFT's files
 */
public record Declared(String name, long[] shape, Initial initial, Role role, String file) {
    /** How PEFT's files call the module that holds the base. */
    static final String PREFIX = "base_model.model.";

    /** What becomes of a tensor. */
    public enum Role {
        /** It learns and is kept in files. */
        LEARNED,
        /** It does not learn by gradients, and is kept in files. */
        KEPT,
        /** It follows from the settings and the base, and is made anew with each adapter. */
        DERIVED
    }

    /** Makes a tensor's first value in f32. */
    @FunctionalInterface
    public interface Initial {
        Tensor make(Random random, long[] shape);
    }

    /** A tensor that learns, with the name of PEFT's files. */
    public Declared(String name, long[] shape, Initial initial) {
        this(name, shape, initial, Role.LEARNED, PREFIX + name);
    }

    /** A tensor that does not learn and is kept in files. */
    public static Declared kept(String name, long[] shape, Initial initial) {
        return new Declared(name, shape, initial, Role.KEPT, PREFIX + name);
    }

    /** A tensor that does not learn and is made anew each time. */
    public static Declared derived(String name, long[] shape, Initial initial) {
        return new Declared(name, shape, initial, Role.DERIVED, "");
    }

    /** The same under another name in files. */
    public Declared called(String other) {
        return new Declared(name, shape, initial, role, other);
    }

    public static final Initial ZEROS =
            (random, shape) -> Tensor.zeros(dev.gyre.tensor.DType.F32, shape);

    /** One number everywhere. */
    public static Initial full(double value) {
        return (random, shape) -> Tensor.full(dev.gyre.tensor.DType.F32, value, shape);
    }

    /** Normal numbers with mean 0. */
    public static Initial normal(double deviation) {
        return (random, shape) -> random.normal(shape).timesInPlace(deviation);
    }

    /** Numbers uniform in [−bound, bound). */
    public static Initial uniform(double bound) {
        return (random, shape) -> random.uniform(-bound, bound, shape);
    }

    public long elements() {
        long n = 1;
        for (long size : shape) n *= size;
        return n;
    }
}
