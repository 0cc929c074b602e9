package dev.gyre.adapter;

import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tensor;

/**
 * A tensor that a method learns.
 *
 * @param name the slot's name, a dot, and the tensor's own name as PEFT's files have it
 * @param initial makes its first value
 */
public record Declared(String name, long[] shape, Initial initial) {
    /** Makes a tensor's first value in f32. */
    @FunctionalInterface
    public interface Initial {
        Tensor make(Random random, long[] shape);
    }

    public static final Initial ZEROS =
            (random, shape) -> Tensor.zeros(dev.gyre.tensor.DType.F32, shape);

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
