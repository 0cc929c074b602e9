package dev.gyre.adapter.method;

import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Tensors that come out of one computation on a slot's weight, worked out once for all that start
 * from them, and kept outside of the scopes in which those start.
 */
final class Decomposed {
    private record Part(float[] values, long[] shape) {}

    private final Supplier<List<Tensor>> of;
    private final List<Part> parts = new ArrayList<>();

    Decomposed(Supplier<List<Tensor>> of) {
        this.of = of;
    }

    Tensor get(int which) {
        if (parts.isEmpty()) {
            try (var _ = Scope.open()) {
                for (Tensor t : of.get()) parts.add(new Part(t.contiguous().toFloats(), t.shape()));
            }
        }
        Part part = parts.get(which);
        return Tensor.of(part.values, part.shape);
    }
}
