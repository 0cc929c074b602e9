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
    private final List<Leaves> leaves = new ArrayList<>();
    private final List<Declared> own;
    private final List<Declared> whole;

    private Adapter(Method method, Targets targets, Model model, long seed) {
        this.method = method;
        this.targets = targets;
        this.model = model;
        this.slots = targets.slots(model);
        this.attachment = method.attach(slots);
        own = attachment.parameters();
        whole = replacements();
        long total = 0;
        for (Declared d : own) total += d.elements();
        for (Declared d : whole) total += d.elements();
        if (total == 0)
            throw new UserError(
                    "method " + method.name() + " has nothing to learn with these settings");
        try (var _ = Scope.open();
                var random = Random.seeded(seed)) {
            values = home.adopt(Tensor.zeros(DType.F32, total));
            leaves.add(newLeaves());
            for (Declared d : own) start(d, random, learned());
            for (Declared d : whole) start(d, random, replaced());
        }
        updated();
    }

    private static void start(Declared d, Random random, Map<String, Var> vars) {
        Var var = vars.get(d.name());
        if (var == null) throw new IllegalStateException("no place for " + d.name());
        var.value().copyFrom(d.initial().make(random, d.shape()));
    }

    /**
     * A new adapter at its starting point.
     *
     * @param seed of its first values
     * @throws UserError when the settings do not fit the model
     */
    public static Adapter attach(Method method, Targets targets, Model model, long seed) {
        return new Adapter(method, targets, model, seed);
    }

    /**
     * The learned tensors with one vector of gradients: what a thread needs that computes gradients
     * beside others. All share the values.
     *
     * @param gradients [P]
     * @param learned the method's own tensors by name
     * @param replaced the base's parameters that are trained whole, by name
     */
    private record Leaves(Tensor gradients, Map<String, Var> learned, Map<String, Var> replaced) {}

    private Leaves newLeaves() {
        try (var _ = Scope.open()) {
            Tensor gradients = home.adopt(Tensor.zeros(DType.F32, trainable()));
            var made = new Leaves(gradients, new LinkedHashMap<>(), new LinkedHashMap<>());
            long at = 0;
            for (Declared d : own) at = place(d, at, gradients, made.learned);
            for (Declared d : whole) at = place(d, at, gradients, made.replaced);
            return made;
        }
    }

    private long place(Declared declared, long at, Tensor gradients, Map<String, Var> into) {
        long[] shape = declared.shape();
        Tensor value = home.adopt(values.narrow(0, at, declared.elements()).view(shape));
        Tensor gradient = home.adopt(gradients.narrow(0, at, declared.elements()).view(shape));
        into.put(declared.name(), Var.leaf(value, gradient));
        return at + declared.elements();
    }

    /** Parameters of the base that are trained whole, starting at the base's values. */
    private List<Declared> replacements() {
        var out = new LinkedHashMap<String, Declared>();
        for (String module : targets.savedModules(model)) {
            model.slots().stream()
                    .filter(s -> s.name().equals(module))
                    .forEach(
                            s -> {
                                long[] shape = {s.weight().out(), s.weight().in()};
                                out.put(
                                        module + ".weight",
                                        new Declared(
                                                module + ".weight",
                                                shape,
                                                (r, _) -> s.weight().dense()));
                            });
            model.vectors()
                    .forEach(
                            (name, value) -> {
                                if (name.startsWith(module + "."))
                                    out.put(name, whole(name, value));
                            });
        }
        model.vectors()
                .forEach(
                        (name, value) -> {
                            if (name.endsWith(".bias") && biasLearns(name))
                                out.put(name, whole(name, value));
                        });
        return List.copyOf(out.values());
    }

    private static Declared whole(String name, Tensor value) {
        return new Declared(name, value.shape(), (r, s) -> value);
    }

    private boolean biasLearns(String name) {
        return switch (targets.bias()) {
            case NONE -> false;
            case ALL -> true;
            case ADAPTED -> slots.stream().anyMatch(s -> name.equals(s.name() + ".bias"));
        };
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

    /** The method's own tensors by name (slot, dot, tensor). */
    public Map<String, Var> learned() {
        return leaves.getFirst().learned;
    }

    /** The base's parameters that are trained whole, by name. */
    public Map<String, Var> replaced() {
        return leaves.getFirst().replaced;
    }

    /** All learned numbers, [P]; the tensors above are windows on it. */
    public Tensor values() {
        return values;
    }

    /** Their gradients, [P]. */
    public Tensor gradients() {
        return leaves.getFirst().gradients;
    }

    /**
     * Makes room for the gradients of several threads, of which {@link #gatherGradients} is the
     * sum.
     */
    public void shards(int count) {
        while (leaves.size() < count) leaves.add(newLeaves());
    }

    /** Adds the gradients of all threads to {@link #gradients}, in order, and clears theirs. */
    public void gatherGradients() {
        for (Leaves other : leaves.subList(1, leaves.size())) {
            gradients().plusInPlace(other.gradients);
            other.gradients.zeroInPlace();
        }
    }

    /** How many numbers learn. */
    public long trainable() {
        return values.elements();
    }

    /**
     * A factor on the learning rate for each learned tensor, windows of {@link #values} in their
     * order.
     */
    public List<Group> groups() {
        var groups = new ArrayList<Group>();
        long at = 0;
        for (var entry : learned().entrySet()) {
            long n = entry.getValue().value().elements();
            add(groups, new Group(at, n, attachment.learningRateFactor(entry.getKey())));
            at += n;
        }
        for (Var whole : replaced().values()) {
            long n = whole.value().elements();
            add(groups, new Group(at, n, 1));
            at += n;
        }
        return groups;
    }

    /** Learned numbers from … from+count−1 that share a factor on the learning rate. */
    public record Group(long from, long count, double factor) {}

    private static void add(List<Group> groups, Group next) {
        if (next.count == 0) return;
        if (!groups.isEmpty() && groups.getLast().factor == next.factor) {
            Group last = groups.removeLast();
            groups.add(new Group(last.from, last.count + next.count, last.factor));
        } else {
            groups.add(next);
        }
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
        Leaves own = leaves.get(shard);
        return new Effects(attachment.effects(tape, new Learned(own.learned)), own.replaced);
    }

    public void stepBegins(long step) {
        attachment.stepBegins(step, new Learned(learned()));
    }

    public void gradientsReady() {
        attachment.gradientsReady(new Learned(learned()));
    }

    /** To be called after the values changed. */
    public void updated() {
        attachment.updated(new Learned(learned()));
    }

    @Override
    public void close() {
        home.close();
    }
}
