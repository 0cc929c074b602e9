package dev.gyre.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The outer level of differentiation: a list of coarse operations, each with a vector–Jacobian
 * product written by hand (or by {@link #auto}) that keeps only what it needs. {@link #off()}
 * computes values alone.
 *
 * <p>An operation computes its value, saves what its backward pass needs with {@link #save}, and
 * calls {@link #record}. Its backward pass receives dy and adds to the gradients of its inputs with
 * {@link Var#accumulate}.
 */
public final class Tape implements AutoCloseable {
    private record Node(
            Var out, Consumer<Tensor> backward, List<Tensor> saved, List<Recipe> recipes) {
        void free() {
            recipes.forEach(Recipe::free);
            saved.forEach(Tensor::free);
        }
    }

    private final boolean recording;
    private final boolean training;
    private final boolean again;
    private final long seed;
    private final List<Node> nodes = new ArrayList<>();
    private final Scope home = Scope.detached();
    private List<Tensor> pending = new ArrayList<>();
    private List<Recipe> recipes = new ArrayList<>();
    private boolean rounds;
    private long draws;

    private Tape(boolean recording, boolean training, boolean again, long seed) {
        this.recording = recording;
        this.training = training;
        this.again = again;
        this.seed = seed;
    }

    /** A tape that computes values and records nothing. */
    public static Tape off() {
        return new Tape(false, false, false, 0);
    }

    /** A tape for one forward and backward pass; random masks follow the seed. */
    public static Tape recording(long seed) {
        return new Tape(true, true, false, seed);
    }

    /** A tape for gradients of the model as it is used: nothing is dropped. */
    public static Tape recordingWithoutDropout() {
        return new Tape(true, false, false, 0);
    }

    /**
     * A tape for a stretch of this pass whose backward pass runs at once: it records and drops as
     * this one does, by masks of its own.
     */
    public Tape inner() {
        return new Tape(recording, training, false, nextSeed());
    }

    /** Whether this pass trains: dropout acts. */
    public boolean training() {
        return training;
    }

    /** Whether operations over what learns must be recorded for a backward pass. */
    public boolean recording() {
        return recording;
    }

    /**
     * Whether a stretch runs again, in its backward pass: what it puts out is known, and not read.
     */
    public boolean again() {
        return again;
    }

    /**
     * A seed for the next random mask of this pass; the same sequence each time the pass is run
     * with its seed.
     */
    public long nextSeed() {
        return seed * 0x9E3779B97F4A7C15L + ++draws * 0xBF58476D1CE4E5B9L;
    }

    /** Keeps a tensor's storage for the operation that is about to be recorded. */
    public Tensor save(Tensor tensor) {
        Tensor kept = tensor.alias(home);
        pending.add(kept);
        return kept;
    }

    /**
     * Keeps a value for the operation that is about to be recorded: once for all operations of this
     * tape, and not at all where it was recorded as cheap.
     */
    public Saved save(Var var) {
        Saved saved = var.savedOn(home);
        if (saved == null) {
            saved = saveActivation(var.value());
            var.save(home, saved);
        }
        return saved;
    }

    /**
     * Keeps an activation for the operation that is about to be recorded, in bf16 inside {@link
     * #rounding}.
     */
    public Saved saveActivation(Tensor tensor) {
        if (!rounds || tensor.dtype() != DType.F32) {
            Tensor kept = save(tensor);
            return () -> kept;
        }
        Tensor half;
        try (var _ = Scope.open()) {
            half = save(tensor.to(DType.BF16));
        }
        return recipe(() -> half.to(DType.F32));
    }

    private Recipe recipe(Supplier<Tensor> again) {
        var recipe = new Recipe(again, home);
        recipes.add(recipe);
        return recipe;
    }

    /**
     * Keeps a tensor's storage as long as this tape is open, for operations that run again in the
     * backward pass.
     */
    public Tensor hold(Tensor tensor) {
        return recording ? tensor.alias(home) : tensor;
    }

    /**
     * Whether an operation over these inputs must be recorded: this tape records and one of them
     * learns.
     */
    public boolean needs(Var... inputs) {
        if (!recording) return false;
        for (Var input : inputs) if (input.needsGradient()) return true;
        return false;
    }

    /** Records an operation whose inputs {@link #needs} recording. */
    public Var record(Tensor value, Consumer<Tensor> backward) {
        var out = Var.computed(value, home);
        nodes.add(new Node(out, backward, pending, recipes));
        pending = new ArrayList<>();
        recipes = new ArrayList<>();
        return out;
    }

    /**
     * Records an operation whose value costs little to compute: operations that need it in their
     * backward pass do not keep it.
     *
     * @param again the same value from what this operation saved
     */
    public Var recordCheap(Tensor value, Supplier<Tensor> again, Consumer<Tensor> backward) {
        Recipe recipe = recipe(again);
        Var out = record(value, backward);
        out.save(home, recipe);
        return out;
    }

    /** Runs all recorded operations backwards from a scalar loss whose gradient is 1. */
    public void backward(Var loss) {
        try (var _ = Scope.open()) {
            Tensor one = loss.value().emptyLike().fillInPlace(1);
            backward(loss, one);
        }
    }

    /**
     * Runs all recorded operations backwards, from the given gradient at one of their outputs. Once
     * only.
     */
    public void backward(Var from, Tensor gradient) {
        from.accumulateShared(gradient);
        backward();
    }

    /**
     * Runs all recorded operations backwards from whatever gradients their outputs hold already.
     * Once only.
     */
    public void backward() {
        for (int i = nodes.size() - 1; i >= 0; i--) {
            Node node = nodes.remove(i);
            Tensor dy = node.out.gradient();
            if (dy != null) {
                try (var _ = Scope.open()) {
                    node.backward.accept(dy);
                }
                node.out.clearGradient();
            }
            node.free();
        }
    }

    /**
     * An operation without a hand-written backward pass: libtorch's own automatic differentiation
     * runs inside it.
     *
     * @param operation from the inputs' values to one value; it must not change them
     */
    public Var auto(Function<List<Tensor>, Tensor> operation, Var... inputs) {
        return AutomaticGradient.record(this, operation, inputs);
    }

    /**
     * A stretch of operations whose inner values are not kept: the backward pass computes them
     * again.
     *
     * @param body from a tape and the input to the output; it runs twice and must do the same each
     *     time
     */
    public Var recompute(BiFunction<Tape, Var, Var> body, Var input) {
        long bodySeed = nextSeed();
        if (!recording) return body.apply(this, input);
        Var value;
        try (var plain = new Tape(false, training, false, bodySeed)) {
            value = body.apply(plain, input);
        }
        Tensor kept = save(input.value());
        return record(
                value.value(),
                dy -> {
                    try (var again = new Tape(true, training, true, bodySeed);
                            var _ = Scope.open()) {
                        var start = Var.leaf(kept, again.home);
                        Var end = body.apply(again, start);
                        again.backward(end, dy);
                        Tensor gradient = start.gradient();
                        if (gradient != null) input.accumulate(gradient);
                    }
                });
    }

    /**
     * A stretch of operations whose activations are kept in bf16, half of what f32 takes: values
     * are the same; each activation that gradients are made of is rounded, by up to 2⁻⁹ of it.
     */
    public Var rounding(BiFunction<Tape, Var, Var> body, Var input) {
        boolean before = rounds;
        rounds = true;
        try {
            return body.apply(this, input);
        } finally {
            rounds = before;
        }
    }

    @Override
    public void close() {
        for (Node node : nodes) node.out.clearGradient();
        nodes.clear();
        home.close();
    }
}
