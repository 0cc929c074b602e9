package dev.gyre.adapter;

import dev.gyre.config.UserError;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A method at work on a model: its learned tensors, and the modules and biases trained whole beside
 * it. All learned numbers lie in one vector and their gradients in another, so that an optimiser
 * makes one pass over them. The model is not changed.
 */
public final class Adapter implements AutoCloseable {
    private final Method method;
    private final Targets targets;
    private final Model model;
    private final List<Slot> slots;
    private final Method.Attachment attachment;
    private final Scope home = Scope.detached();
    private final Tensor values;
    private final Tensor gradients;
    private final Map<String, Var> learned = new LinkedHashMap<>();
    private final Map<String, Var> replaced = new LinkedHashMap<>();
    private final Map<String, Var> frozen = new LinkedHashMap<>();
    private final Map<String, Var> files = new LinkedHashMap<>();
    private final Learned all;
    private final List<Beside> others = new ArrayList<>();

    private Adapter(Method method, Targets targets, Model model, long seed, boolean starts) {
        this.method = method;
        this.targets = targets;
        this.model = model;
        this.slots = method.slots(targets, model);
        this.attachment = method.attach(targets, slots, model);
        List<Declared> own = attachment.parameters();
        List<Declared> whole = WholeModules.of(targets, model, slots);
        long total =
                own.stream()
                        .filter(d -> d.role() == Declared.Role.LEARNED)
                        .mapToLong(Declared::elements)
                        .sum();
        for (Declared d : whole) total += d.elements();
        if (total == 0)
            throw new UserError(
                    "method " + method.name() + " has nothing to learn with these settings");
        try (var _ = Scope.open();
                var random = Random.seeded(seed)) {
            values = home.adopt(Tensor.zeros(DType.F32, total));
            gradients = home.adopt(Tensor.zeros(DType.F32, total));
            long at = 0;
            for (Declared d : own) {
                if (d.role() == Declared.Role.LEARNED) at = place(d, at, random, learned, starts);
                else freeze(d, random, starts);
            }
            for (Declared d : whole) at = place(d, at, random, replaced, starts);
        }
        var named = new LinkedHashMap<String, Var>(learned);
        named.putAll(frozen);
        all = new Learned(named);
        if (starts) attachment.updated(all);
    }

    /**
     * A new adapter at its starting point.
     *
     * @param seed of its first values
     * @throws UserError when the settings do not fit the model
     */
    public static Adapter attach(Method method, Targets targets, Model model, long seed) {
        return new Adapter(method, targets, model, seed, true);
    }

    /** An adapter whose tensors wait to be filled from a file. */
    static Adapter unfilled(Method method, Targets targets, Model model) {
        return new Adapter(method, targets, model, 0, false);
    }

    private long place(
            Declared declared, long at, Random random, Map<String, Var> into, boolean starts) {
        long[] shape = declared.shape();
        Tensor value = home.adopt(values.narrow(0, at, declared.elements()).view(shape));
        Tensor gradient = home.adopt(gradients.narrow(0, at, declared.elements()).view(shape));
        if (starts) start(declared, value, random);
        Var var = Var.leaf(value, gradient);
        into.put(declared.name(), var);
        files.put(declared.file(), var);
        return at + declared.elements();
    }

    private void freeze(Declared declared, Random random, boolean starts) {
        Tensor value = home.adopt(Tensor.zeros(DType.F32, declared.shape()));
        boolean kept = declared.role() == Declared.Role.KEPT;
        if (starts || !kept) start(declared, value, random);
        frozen.put(declared.name(), Var.constant(value));
        if (kept) files.put(declared.file(), frozen.get(declared.name()));
    }

    private static void start(Declared declared, Tensor value, Random random) {
        try (var _ = Scope.open()) {
            value.copyFrom(declared.initial().make(random, declared.shape()));
        }
    }

    /**
     * The same learned tensors with gradients of their own, for a thread that computes gradients
     * beside others.
     */
    private record Beside(Tensor gradients, Learned all, Map<String, Var> replaced) {}

    private Beside beside() {
        try (var _ = Scope.open()) {
            Tensor own = home.adopt(gradients.zerosLike());
            var named = new LinkedHashMap<String, Var>();
            var whole = new LinkedHashMap<String, Var>();
            long at = mirror(learned, 0, own, named);
            mirror(replaced, at, own, whole);
            named.putAll(frozen);
            return new Beside(own, new Learned(named), whole);
        }
    }

    private long mirror(Map<String, Var> vars, long from, Tensor own, Map<String, Var> into) {
        long at = from;
        for (var entry : vars.entrySet()) {
            Tensor value = entry.getValue().value();
            Tensor window = own.narrow(0, at, value.elements()).view(value.shape());
            into.put(entry.getKey(), Var.leaf(value, home.adopt(window)));
            at += value.elements();
        }
        return at;
    }

    /** Its tensors under their names in files. */
    Map<String, Var> files() {
        return files;
    }

    public Method method() {
        return method;
    }

    public Targets targets() {
        return targets;
    }

    public Model model() {
        return model;
    }

    /** The slots it acts on. */
    public List<Slot> slots() {
        return slots;
    }

    /** Paths of all modules it acts on. */
    List<String> places() {
        var all = new ArrayList<String>();
        slots.forEach(s -> all.add(s.name()));
        all.addAll(attachment.places());
        return all;
    }

    /** Keys of its configuration that the base decides. */
    Map<String, Object> keysOfTheBase() {
        return attachment.keysOfTheBase();
    }

    /** The method's own tensors that learn, by name (slot, dot, tensor). */
    public Map<String, Var> learned() {
        return learned;
    }

    /** The method's tensors that do not learn, by name. */
    public Map<String, Var> frozen() {
        return frozen;
    }

    /** The base's parameters that are trained whole, by name. */
    public Map<String, Var> replaced() {
        return replaced;
    }

    /** All learned numbers, [P]; the tensors above are windows on it. */
    public Tensor values() {
        return values;
    }

    /** Their gradients, [P]. */
    public Tensor gradients() {
        return gradients;
    }

    /**
     * Makes room for the gradients of several threads, of which {@link #gatherGradients} is the
     * sum.
     */
    public void shards(int count) {
        while (others.size() < count - 1) others.add(beside());
    }

    /** Adds the gradients of all threads to {@link #gradients}, in order, and clears theirs. */
    public void gatherGradients() {
        for (Beside other : others) {
            gradients.plusInPlace(other.gradients);
            other.gradients.zeroInPlace();
        }
    }

    /** How many numbers learn. */
    public long trainable() {
        return values.elements();
    }

    /** How the learned tensors move, windows of {@link #values} in their order. */
    public List<Group> groups() {
        return Group.of(attachment, learned, replaced);
    }

    /**
     * What the adapter does, place by place. On a recording tape the parts are functions of the
     * learned tensors: run the model on other tapes, then this tape backwards, once for all of
     * them.
     */
    public Effects effects(Tape tape) {
        return effects(tape, 0);
    }

    /**
     * As {@link #effects(Tape)}, with gradients of its own.
     *
     * @param shard below the count given to {@link #shards}
     */
    public Effects effects(Tape tape, int shard) {
        if (shard == 0) return attachment.effects(tape, all).with(replaced);
        Beside own = others.get(shard - 1);
        return attachment.effects(tape, own.all).with(own.replaced);
    }

    /** How many examples a new adapter wants to see before the first step; 0 for none. */
    public int calibrationExamples() {
        return attachment.calibrationExamples();
    }

    /** Makes a new adapter's start from what those examples say. */
    public void calibrate(CalibrationData data) {
        attachment.calibrate(data, all);
        attachment.updated(all);
    }

    public void stepBegins(long step) {
        attachment.stepBegins(step, all);
    }

    public void gradientsReady() {
        attachment.gradientsReady(all);
    }

    public void gradientsClipped() {
        attachment.gradientsClipped(all);
    }

    /** To be called after the values changed. */
    public void updated() {
        attachment.updated(all);
    }

    @Override
    public void close() {
        attachment.close();
        home.close();
    }
}
