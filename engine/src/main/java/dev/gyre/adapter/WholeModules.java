package dev.gyre.adapter;

import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tensor;

import java.util.LinkedHashMap;
import java.util.List;

/** The base's parameters that an adapter trains whole: modules to save, and biases. */
final class WholeModules {
    private WholeModules() {}

    /** Parameters of the base that are trained whole, starting at the base's values. */
    static List<Declared> of(Targets targets, Model model, List<Slot> slots) {
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
                                    out.put(name, whole(name, value, slots));
                            });
        }
        model.vectors()
                .forEach(
                        (name, value) -> {
                            if (name.endsWith(".bias") && biasLearns(targets, slots, name))
                                out.put(name, whole(name, value, slots));
                        });
        return List.copyOf(out.values());
    }

    private static Declared whole(String name, Tensor value, List<Slot> slots) {
        var declared = new Declared(name, value.shape(), (r, s) -> value);
        // A bias of an adapted slot lies inside the wrapped layer.
        String owner = name.substring(0, name.lastIndexOf('.'));
        return name.endsWith(".bias") && slots.stream().anyMatch(s -> s.name().equals(owner))
                ? declared.called(Declared.PREFIX + owner + ".base_layer.bias")
                : declared;
    }

    private static boolean biasLearns(Targets targets, List<Slot> slots, String name) {
        return switch (targets.bias()) {
            case NONE -> false;
            case ALL -> true;
            case ADAPTED -> slots.stream().anyMatch(s -> name.equals(s.name() + ".bias"));
        };
    }
}
