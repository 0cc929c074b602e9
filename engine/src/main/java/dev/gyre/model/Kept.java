package dev.gyre.model;

import dev.gyre.tensor.Saved;
import dev.gyre.tensor.Tensor;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * What the backward pass of an adapted layer reads of its input x.
 *
 * @param whole x; null where less will do
 * @param parts otherwise what each part beside asks for, span by span
 */
record Kept(@Nullable Saved whole, List<List<Tensor>> parts) {
    Tensor x() {
        if (whole == null) throw new IllegalStateException("the input was not kept");
        return whole.get();
    }
}
