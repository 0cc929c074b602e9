package dev.gyre.adapter.method;

import dev.gyre.model.Slot;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Factors of a slot's weight, worked out once for all tensors that start from them, and kept
 * outside of the scopes in which those start.
 */
final class Decomposed {
    private record Factor(float[] values, long[] shape) {}

    private final Slot slot;
    private final Function<Tensor, List<Tensor>> of;
    private final List<Factor> factors = new ArrayList<>();

    /**
     * @param of from the weight [out, in] to its factors
     */
    Decomposed(Slot slot, Function<Tensor, List<Tensor>> of) {
        this.slot = slot;
        this.of = of;
    }

    Tensor get(int which) {
        if (factors.isEmpty()) {
            try (var _ = Scope.open()) {
                for (Tensor t : of.apply(slot.weight().dense()))
                    factors.add(new Factor(t.contiguous().toFloats(), t.shape()));
            }
        }
        Factor factor = factors.get(which);
        return Tensor.of(factor.values, factor.shape);
    }
}
