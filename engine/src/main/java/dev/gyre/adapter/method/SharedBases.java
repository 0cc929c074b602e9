package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.model.Slot;

import java.util.List;
import java.util.function.ToLongFunction;

/**
 * Random tensors that all slots of a model share, cut to each slot's widths: VeRA's, RandLoRA's.
 */
final class SharedBases {
    private SharedBases() {}

    /** Such a tensor, named as PEFT's files name it. */
    static Declared declared(String name, long[] shape, boolean saved, Declared.Initial draw) {
        return saved
                ? Declared.kept(name, shape, draw).called("base_model." + name)
                : Declared.derived(name, shape, draw);
    }

    static long widest(List<Slot> slots, ToLongFunction<Slot> width) {
        return slots.stream().mapToLong(width).max().orElse(1);
    }
}
