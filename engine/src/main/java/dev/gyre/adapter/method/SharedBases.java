package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tensor;

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

    /** −1, 0 and 1, one in q of them not 0, divided by their deviation; as PEFT draws them. */
    static Tensor signs(Random random, long[] shape, double q) {
        Tensor u = random.uniform(0, 1, shape);
        Tensor low = u.below((float) (1 / (2 * q))).to(DType.F32);
        Tensor high = u.negate().below((float) -(1 - 1 / (2 * q))).to(DType.F32);
        Tensor signs = high.minus(low);
        return signs.dividedBy(deviation(signs));
    }

    static double deviation(Tensor x) {
        Tensor wide = x.to(DType.F64);
        Tensor centred = wide.minus(wide.reshape(-1).mean(0, true));
        return Math.sqrt(centred.times(centred).sum().item() / (x.elements() - 1));
    }
}
