package dev.gyre.tensor;

import org.jspecify.annotations.Nullable;

/**
 * A value on a {@link Tape}: a tensor and, where something below it learns, the gradient of the
 * loss at it. The value's life is its scope's, as any tensor's; operations that need it in their
 * backward pass save an alias.
 */
public final class Var {
    private final Tensor value;
    private final boolean needsGradient;
    private final @Nullable Scope home;
    private @Nullable Saved saved;
    private @Nullable Tensor gradient;
    private boolean gradientShared;

    private Var(Tensor value, boolean needsGradient, @Nullable Scope home) {
        this.value = value;
        this.needsGradient = needsGradient;
        this.home = home;
    }

    /** A value that nothing is asked of. */
    public static Var constant(Tensor value) {
        return new Var(value, false, null);
    }

    /**
     * Something that learns: its gradients add up over all backward passes until {@link
     * #clearGradient}.
     *
     * @param home owns the accumulated gradient
     */
    public static Var leaf(Tensor value, Scope home) {
        return new Var(value, true, home);
    }

    /**
     * A leaf whose gradients add up in a buffer that the caller owns and clears, of the value's
     * shape.
     */
    public static Var leaf(Tensor value, Tensor gradient) {
        var leaf = new Var(value, true, gradient.scope);
        leaf.gradient = gradient;
        return leaf;
    }

    static Var computed(Tensor value, Scope tape) {
        return new Var(value, true, tape);
    }

    /** How this tape saved this value; null when it has not. */
    @Nullable Saved savedOn(Scope tape) {
        return home == tape ? saved : null;
    }

    /** Notes how a tape saved this value, where it is one that lives no longer than the tape. */
    void save(Scope tape, Saved how) {
        if (home == tape) saved = how;
    }

    public Tensor value() {
        return value;
    }

    public boolean needsGradient() {
        return needsGradient;
    }

    /** The gradient gathered so far; null when none has come. */
    public @Nullable Tensor gradient() {
        return gradient;
    }

    /** The gradient gathered so far; an error when none has come. */
    public Tensor gradientOrThrow() {
        if (gradient == null) throw new IllegalStateException("no gradient has reached this value");
        return gradient;
    }

    /**
     * Adds to the gradient. The tensor is the caller's no more: it may be kept and changed in
     * place.
     *
     * @param part of the value's shape
     */
    public void accumulate(Tensor part) {
        add(part, false);
    }

    /** Adds to the gradient a tensor that others use too, and that therefore must not change. */
    public void accumulateShared(Tensor part) {
        add(part, true);
    }

    private void add(Tensor part, boolean shared) {
        if (!needsGradient) return;
        if (home == null)
            throw new IllegalStateException("a variable without a home gathers no gradient");
        if (gradient == null) {
            gradient = part.alias(home);
            gradientShared = shared;
        } else if (gradientShared) {
            try (var _ = Scope.open()) {
                Tensor sum = gradient.plus(part);
                gradient.free();
                gradient = home.adopt(sum);
            }
            gradientShared = false;
        } else {
            gradient.plusInPlace(part);
        }
    }

    /** Adds to the gradient in the same pass that computes the part. */
    @FunctionalInterface
    public interface Part {
        /**
         * Writes what the gradient is then.
         *
         * @param sofar the gradient before; null for none; it may be {@code into}
         * @param into receives sofar and the part
         */
        void write(@Nullable Tensor sofar, Tensor into);
    }

    /**
     * As {@link #accumulate(Tensor)}, for an operation that can add while it computes.
     *
     * @param like of the gradient's shape and type
     */
    public void accumulate(Tensor like, Part part) {
        if (!needsGradient) return;
        if (home == null)
            throw new IllegalStateException("a variable without a home gathers no gradient");
        Tensor sofar = gradient;
        if (sofar != null && !gradientShared) {
            part.write(sofar, sofar);
            return;
        }
        try (var _ = Scope.open()) {
            Tensor fresh = like.emptyLike();
            part.write(sofar, fresh);
            if (sofar != null) sofar.free();
            gradient = home.adopt(fresh);
        }
        gradientShared = false;
    }

    /** The gradient as a buffer to add into, made of zeros at the first call. */
    public Tensor gradientBuffer() {
        if (home == null)
            throw new IllegalStateException("a variable without a home gathers no gradient");
        if (gradient == null) {
            try (var _ = Scope.open()) {
                gradient = home.adopt(value.zerosLike());
            }
        } else if (gradientShared) {
            try (var _ = Scope.open()) {
                Tensor own = gradient.copy();
                gradient.free();
                gradient = home.adopt(own);
            }
            gradientShared = false;
        }
        return gradient;
    }

    /** Forgets the gradient and frees it. */
    public void clearGradient() {
        if (gradient != null) gradient.free();
        gradient = null;
        gradientShared = false;
    }
}
