package dev.gyre.tensor;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The life of tensors. What is made on a thread belongs to the innermost scope open there and is
 * freed when that scope closes; what must outlive it is moved out by name, with {@link #give} or
 * {@link #adopt}.
 *
 * <p>Scopes of one thread close in the reverse order of their opening. A scope made with {@link
 * #detached()} belongs to an object instead of a stretch of code: nothing is made in it directly,
 * tensors are only moved into it.
 */
public final class Scope implements AutoCloseable {
    private static final ThreadLocal<@Nullable Scope> INNERMOST = new ThreadLocal<>();
    static final AtomicLong LIVE = new AtomicLong();

    private final List<Tensor> owned = new ArrayList<>();
    private final List<Runnable> others = new ArrayList<>(0);
    private final @Nullable Scope outer;
    private final @Nullable Thread owner;
    private boolean open = true;

    private Scope(@Nullable Scope outer, @Nullable Thread owner) {
        this.outer = outer;
        this.owner = owner;
    }

    /** Opens a scope on this thread, inside the one that is open now. */
    public static Scope open() {
        var scope = new Scope(INNERMOST.get(), Thread.currentThread());
        INNERMOST.set(scope);
        return scope;
    }

    /**
     * A scope for an object's tensors; it may be closed on any thread, but is used by one at a
     * time.
     */
    public static Scope detached() {
        return new Scope(null, null);
    }

    /** Tensors alive in the process, all threads and scopes together. */
    public static long liveTensors() {
        return LIVE.get();
    }

    static Scope innermost() {
        Scope scope = INNERMOST.get();
        if (scope == null)
            throw new IllegalStateException(
                    "no scope is open on thread "
                            + Thread.currentThread().getName()
                            + "; wrap the work in try (var scope = Scope.open()) { ... }");
        return scope;
    }

    void add(Tensor tensor) {
        check();
        tensor.scope = this;
        tensor.index = owned.size();
        owned.add(tensor);
    }

    /** Closes something else too, after this scope's tensors. */
    public void alsoCloses(Runnable other) {
        check();
        others.add(other);
    }

    /** Moves a tensor from the scope that owns it into this one. */
    public Tensor adopt(Tensor tensor) {
        if (tensor.scope != this) {
            tensor.scope.release(tensor);
            add(tensor);
        }
        return tensor;
    }

    /** Moves a tensor of this scope to the scope around it, so that it survives this one. */
    public Tensor give(Tensor tensor) {
        if (outer == null)
            throw new IllegalStateException("there is no scope around this one to give to");
        return outer.adopt(tensor);
    }

    /** As {@link #give(Tensor)}, for a variable's value. */
    public Var give(Var var) {
        if (var.value().scope == this) give(var.value());
        return var;
    }

    private void release(Tensor tensor) {
        check();
        int last = owned.size() - 1;
        Tensor moved = owned.get(last);
        owned.set(tensor.index, moved);
        moved.index = tensor.index;
        owned.remove(last);
    }

    /** Frees one tensor of this scope before the others. */
    void free(Tensor tensor) {
        release(tensor);
        tensor.release();
    }

    private void check() {
        if (!open) throw new IllegalStateException("the scope is closed");
        if (owner != null && owner != Thread.currentThread())
            throw new WrongThreadException(
                    "the scope belongs to thread "
                            + owner.getName()
                            + ", used from "
                            + Thread.currentThread().getName());
    }

    /** Frees everything still owned. Closing twice is a bug and says so. */
    @Override
    public void close() {
        check();
        if (owner != null) {
            if (INNERMOST.get() != this)
                throw new IllegalStateException("scopes must close in reverse order");
            INNERMOST.set(outer);
        }
        open = false;
        for (int i = owned.size() - 1; i >= 0; i--) owned.get(i).release();
        owned.clear();
        others.forEach(Runnable::run);
    }
}
