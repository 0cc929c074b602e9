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

    private Adapter(Method method, Targets targets, Model model, long seed, boolean starts) {
        this.method = method;
        this.targets = targets;
        this.model = model;
        this.slots = method.slots(targets, model);
        this.attachment = method.attach(targets, slots, model);
        List<Declared> own = attachment.parameters();
        List<Declared> whole = replacements();
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

    /** Its tensors under their names in files. */
    Map<String, Var> files() {
        return files;
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

    private Declared whole(String name, Tensor value) {
        var declared = new Declared(name, value.shape(), (r, s) -> value);
        // A bias of an adapted slot lies inside the wrapped layer.
        String owner = name.substring(0, name.lastIndexOf('.'));
        return name.endsWith(".bias") && slots.stream().anyMatch(s -> s.name().equals(owner))
                ? declared.called(Declared.PREFIX + owner + ".base_layer.bias")
                : declared;
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

    /** Paths of all modules it acts on. */
    List<String> places() {
        var all = new ArrayList<String>();
        slots.forEach(s -> all.add(s.name()));
        all.addAll(attachment.places());
        return all;
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
        for (var entry : learned.entrySet()) {
            long n = entry.getValue().value().elements();
            add(groups, new Group(at, n, attachment.learningRateFactor(entry.getKey())));
            at += n;
        }
        for (Var whole : replaced.values()) {
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
        return attachment.effects(tape, all).with(replaced);
    }

    public void stepBegins(long step) {
        attachment.stepBegins(step, all);
    }

    public void gradientsReady() {
        attachment.gradientsReady(all);
    }

    /** To be called after the values changed. */
    public void updated() {
        attachment.updated(all);
    }

    @Override
    public void close() {
        home.close();
    }
}
