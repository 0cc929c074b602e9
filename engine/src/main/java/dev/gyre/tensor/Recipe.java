package dev.gyre.tensor;

import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

/**
 * How a value is computed again in the backward pass, once for all operations that need it, instead
 * of being kept until then.
 */
final class Recipe implements Saved {
    private final Supplier<Tensor> again;
    private final Scope home;
    private @Nullable Tensor value;

    Recipe(Supplier<Tensor> again, Scope home) {
        this.again = again;
        this.home = home;
    }

    @Override
    public Tensor get() {
        if (value == null) {
            try (var _ = Scope.open()) {
                value = home.adopt(again.get());
            }
        }
        return value;
    }

    /** When nobody needs it any more. */
    void free() {
        if (value != null) value.free();
        value = null;
    }
}
