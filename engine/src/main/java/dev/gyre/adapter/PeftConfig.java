package dev.gyre.adapter;

import dev.gyre.adapter.method.Methods;
import dev.gyre.config.NearMiss;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The keys of {@code adapter_config.json} that all methods share: where an adapter acts. As PEFT
 * 0.21 reads them.
 */
final class PeftConfig {
    private static final String VERSION = "0.21.0";
    private static final Set<String> COMMON =
            Set.of(
                    "peft_type",
                    "peft_version",
                    "task_type",
                    "base_model_name_or_path",
                    "revision",
                    "inference_mode",
                    "auto_mapping",
                    "target_modules",
                    "exclude_modules",
                    "modules_to_save",
                    "layers_to_transform",
                    "layers_pattern",
                    "bias");

    private PeftConfig() {}

    /** Where the adapter of a configuration acts. */
    static Targets targets(Tree config, MethodKind kind, Reading reading) {
        refuseUnknown(config, kind, reading);
        // Without targets PEFT takes its table's entry for the family: of Llama's, these two.
        var usual = new Targets.Choice.Names(List.of("q_proj", "v_proj"));
        return new Targets(
                config.get("target_modules")
                        .map(PeftConfig::choice)
                        .orElse(
                                kind.peftLacks().contains("target_modules")
                                        ? Targets.ALL_LINEAR
                                        : usual),
                config.get("exclude_modules").map(PeftConfig::choice).orElse(Targets.NOTHING),
                config.get("layers_to_transform").map(PeftConfig::layers).orElse(List.of()),
                config.get("layers_pattern").map(PeftConfig::words).orElse(List.of()),
                config.get("modules_to_save").map(PeftConfig::words).orElse(List.of()),
                bias(config, kind));
    }

    private static void refuseUnknown(Tree config, MethodKind kind, Reading reading) {
        var known = new LinkedHashSet<>(COMMON);
        known.addAll(kind.peftKeys());
        config.entries()
                .forEach(
                        (key, value) -> {
                            if (known.contains(key) || saysNothing(value)) return;
                            String message =
                                    "%s: the key \"%s\" is not known for %s"
                                            .formatted(value.where(), key, kind.peftType());
                            if (!reading.allowUnknown())
                                throw new UserError(
                                        message
                                                + NearMiss.of(key, known)
                                                        .map(n -> "; did you mean \"" + n + "\"?")
                                                        .orElse("")
                                                + ". It may change what the adapter computes; to"
                                                + " ignore it: --allow-unknown-keys");
                            reading.warn().accept(message + "; ignored");
                        });
    }

    /** Null, false, zero or empty: a key that is known nowhere and asks for nothing. */
    private static boolean saysNothing(Tree value) {
        return switch (value.value()) {
            case null -> true;
            case Boolean b -> !b;
            case String s -> s.isEmpty();
            case List<?> l -> l.isEmpty();
            case Map<?, ?> m -> m.isEmpty();
            default -> false;
        };
    }

    private static Targets.Choice choice(Tree value) {
        if (value.isList())
            return new Targets.Choice.Names(value.items().stream().map(Tree::text).toList());
        String text = value.text();
        return text.equalsIgnoreCase("all-linear")
                ? Targets.ALL_LINEAR
                : new Targets.Choice.Regex(text);
    }

    private static List<Integer> layers(Tree value) {
        return value.isList()
                ? value.items().stream().map(Tree::wholeInt).toList()
                : List.of(value.wholeInt());
    }

    private static List<String> words(Tree value) {
        return value.isList()
                ? value.items().stream().map(Tree::text).toList()
                : List.of(value.text());
    }

    /** The word for the biases of adapted slots. */
    private static String own(MethodKind kind) {
        return kind.peftType().toLowerCase(Locale.ROOT) + "_only";
    }

    private static Targets.Bias bias(Tree config, MethodKind kind) {
        String word = config.textOr("bias", "none");
        if (word.equals("none")) return Targets.Bias.NONE;
        if (word.equals("all")) return Targets.Bias.ALL;
        // As PEFT does: of FourierFT it is "fourier_only".
        if (word.endsWith("_only")) return Targets.Bias.ADAPTED;
        throw config.need("bias").wrong("none, all or " + own(kind));
    }

    /** The whole configuration of an adapter, with PEFT's keys. */
    static Map<String, @Nullable Object> of(Adapter adapter, String base) {
        MethodKind kind = Methods.of(adapter.method());
        Targets targets = adapter.targets();
        var keys = new TreeMap<String, @Nullable Object>();
        keys.put("auto_mapping", null);
        keys.put("base_model_name_or_path", base);
        keys.put(
                "bias",
                switch (targets.bias()) {
                    case NONE -> "none";
                    case ALL -> "all";
                    case ADAPTED -> own(kind);
                });
        keys.put("exclude_modules", plain(targets.exclude(), adapter));
        keys.put("inference_mode", true);
        keys.put("layers_pattern", orNull(targets.layersPattern()));
        keys.put("layers_to_transform", orNull(targets.layers()));
        keys.put("modules_to_save", orNull(targets.modulesToSave()));
        keys.put("peft_type", kind.peftType());
        keys.put("peft_version", VERSION);
        keys.put("revision", null);
        Object modules = plain(targets.include(), adapter);
        keys.put("target_modules", modules);
        keys.put("task_type", "CAUSAL_LM");
        keys.entrySet()
                .removeIf(
                        e ->
                                kind.peftLacks().contains(e.getKey())
                                        && (e.getValue() == null
                                                || e.getValue().equals("none")
                                                || e.getValue().equals(List.of())));
        keys.putAll(kind.toPeft(adapter.method(), modules));
        keys.putAll(adapter.keysOfTheBase());
        return keys;
    }

    private static @Nullable Object plain(Targets.Choice choice, Adapter adapter) {
        return switch (choice) {
            case Targets.Choice.Regex(var pattern) -> pattern;
            case Targets.Choice.Names(var names) -> orNull(names);
            // As PEFT does on saving, the names of what was adapted.
            case Targets.Choice.AllLinear all ->
                    adapter.places().stream()
                            .map(s -> s.substring(s.lastIndexOf('.') + 1))
                            .distinct()
                            .toList();
        };
    }

    private static @Nullable Object orNull(List<?> list) {
        return list.isEmpty() ? null : list;
    }
}
