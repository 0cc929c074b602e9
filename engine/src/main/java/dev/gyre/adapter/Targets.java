package dev.gyre.adapter;

import dev.gyre.config.NearMiss;
import dev.gyre.config.UserError;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/**
 * Which of a model's places an adapter takes, by PEFT's rules: a name in a list matches a module
 * path that equals it or ends with a dot and it; a regular expression must match the whole path.
 *
 * @param include slots to adapt
 * @param exclude slots to leave out
 * @param layers indices of the layers to adapt; empty for all. Acts on lists of names only, as in
 *     PEFT
 * @param layersPattern names of the list of layers, where the first number in a path is not the
 *     layer
 * @param modulesToSave modules that are trained and saved whole; matched by bare suffix, as in PEFT
 * @param bias which of the base's biases learn
 */
public record Targets(
        Choice include,
        Choice exclude,
        List<Integer> layers,
        List<String> layersPattern,
        List<String> modulesToSave,
        Bias bias) {

    /** The base's biases that learn. */
    public enum Bias {
        NONE,
        ALL,
        /** Those of the adapted slots. */
        ADAPTED
    }

    /** A choice of module paths. */
    public sealed interface Choice {
        /** Every linear layer but the output head. */
        record AllLinear() implements Choice {}

        record Names(List<String> names) implements Choice {}

        record Regex(String pattern) implements Choice {}
    }

    public static final Choice ALL_LINEAR = new Choice.AllLinear();
    public static final Choice NOTHING = new Choice.Names(List.of());

    public Targets {
        if (include instanceof Choice.Regex r) compiled(r.pattern());
        if (exclude instanceof Choice.Regex r) compiled(r.pattern());
        layers = List.copyOf(layers);
        layersPattern = List.copyOf(layersPattern);
        modulesToSave = List.copyOf(modulesToSave);
        if (!layersPattern.isEmpty() && layers.isEmpty())
            throw new UserError("layers_pattern says where layers are numbered, and needs layers");
    }

    public static Targets allLinear() {
        return new Targets(ALL_LINEAR, NOTHING, List.of(), List.of(), List.of(), Bias.NONE);
    }

    /** Reads {@code all-linear}, {@code re:REGEX}, or names with commas between. */
    public static Choice choice(List<String> words) {
        if (words.size() == 1 && words.getFirst().equalsIgnoreCase("all-linear")) return ALL_LINEAR;
        if (words.size() == 1 && words.getFirst().startsWith("re:"))
            return new Choice.Regex(words.getFirst().substring(3));
        return new Choice.Names(
                words.stream()
                        .flatMap(w -> List.of(w.split(",")).stream())
                        .map(String::strip)
                        .filter(w -> !w.isEmpty())
                        .toList());
    }

    /**
     * Refuses a name in {@link #include} that matches nothing, which a person has mistyped. (Files
     * made elsewhere may list names of other models.)
     */
    public void checkNames(Model model) {
        if (!(include instanceof Choice.Names(var names))) return;
        for (String name : names)
            if (model.slots().stream().noneMatch(s -> named(s.name(), name))
                    && normsOf(model).stream().noneMatch(n -> named(n, name)))
                throw new UserError(
                        "targets: no module of this model is named \"%s\"%s"
                                .formatted(name, NearMiss.hint(name, shortNames(model))));
    }

    /**
     * The slots to adapt, in the model's order.
     *
     * @throws UserError when there is none
     */
    public List<Slot> slots(Model model) {
        List<Slot> chosen = model.slots().stream().filter(this::takes).toList();
        if (chosen.isEmpty() && modulesToSave.isEmpty())
            throw new UserError(
                    "targets: nothing of this model is left to adapt%s; its modules: %s"
                            .formatted(
                                    layers.isEmpty() ? "" : " in layers " + layers,
                                    String.join(", ", shortNames(model))));
        return chosen;
    }

    /**
     * Paths of the norms to adapt, in the model's order; "all-linear" takes them all.
     *
     * @throws UserError when there is none
     */
    public List<String> norms(Model model) {
        List<String> all = normsOf(model);
        List<String> chosen = all.stream().filter(this::takes).toList();
        if (chosen.isEmpty())
            throw new UserError(
                    "targets: no norm of this model is chosen by %s; its norms: %s"
                            .formatted(include, String.join(", ", all)));
        return chosen;
    }

    private static List<String> normsOf(Model model) {
        return model.vectors().keySet().stream()
                .filter(v -> v.endsWith(".weight"))
                .map(v -> v.substring(0, v.lastIndexOf('.')))
                .toList();
    }

    private static Set<String> shortNames(Model model) {
        return model.slots().stream()
                .map(s -> s.name().substring(s.name().lastIndexOf('.') + 1))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private boolean takes(Slot slot) {
        String path = slot.name();
        return include instanceof Choice.AllLinear
                ? slot.kind() == Slot.Kind.LINEAR && !left(path) && inLayers(path)
                : takes(path);
    }

    /** Whether a module is left out, or trained whole anyway. */
    private boolean left(String path) {
        if (matches(exclude, path)) return true;
        for (String saved : modulesToSave)
            if (compiled("(^|.*\\.)" + saved + "($|\\..*)").matcher(path).matches()) return true;
        return false;
    }

    private boolean takes(String path) {
        if (left(path)) return false;
        return switch (include) {
            case Choice.AllLinear all -> inLayers(path);
            case Choice.Regex(var pattern) -> compiled(pattern).matcher(path).matches();
            case Choice.Names names -> matches(names, path) && inLayers(path);
        };
    }

    private static boolean matches(Choice choice, String path) {
        return switch (choice) {
            case Choice.AllLinear all -> true;
            case Choice.Regex(var pattern) -> compiled(pattern).matcher(path).matches();
            case Choice.Names(var names) -> names.stream().anyMatch(n -> named(path, n));
        };
    }

    private static boolean named(String path, String name) {
        return path.equals(name) || path.endsWith("." + name);
    }

    private boolean inLayers(String path) {
        if (layers.isEmpty()) return true;
        List<String> patterns =
                layersPattern.isEmpty()
                        ? List.of(".*?\\.[^.]*\\.(?<idx>\\d+)\\.")
                        : layersPattern.stream()
                                .map(p -> "(?:^|.*?\\.)" + p + "\\.(?<idx>\\d+)\\.")
                                .toList();
        for (String pattern : patterns) {
            Matcher m = compiled(pattern).matcher(path);
            if (m.lookingAt()) return layers.contains(Integer.parseInt(m.group("idx")));
        }
        return false;
    }

    /**
     * Paths of the modules that are trained whole. @throws UserError when a name matches nothing
     */
    public List<String> savedModules(Model model) {
        var modules = new LinkedHashSet<String>();
        model.slots().forEach(s -> modules.add(s.name()));
        model.vectors().keySet().forEach(v -> modules.add(v.substring(0, v.lastIndexOf('.'))));
        for (String name : modulesToSave)
            if (modules.stream().noneMatch(m -> m.endsWith(name)))
                throw new UserError(
                        "modules_to_save: no module of this model ends with \"%s\"%s"
                                .formatted(name, NearMiss.hint(name, shortNames(model))));
        return modules.stream().filter(m -> modulesToSave.stream().anyMatch(m::endsWith)).toList();
    }

    static Pattern compiled(String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new UserError(
                    "the regular expression \"" + regex + "\" is broken: " + e.getDescription(), e);
        }
    }
}
