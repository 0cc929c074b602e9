package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.adapter.Targets;
import dev.gyre.config.Tree;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** IA3 in the registry: its settings, and its keys in PEFT's files. */
final class Ia3Kind implements MethodKind {
    private static final String INPUTS = "feedforward_modules";

    /** What PEFT takes for a Llama when it is told nothing. */
    private static final Targets.Choice LLAMA = new Targets.Choice.Names(List.of("down_proj"));

    @Override
    public String name() {
        return "ia3";
    }

    @Override
    public String peftType() {
        return "IA3";
    }

    @Override
    public String summary() {
        return "scales every output, or input, of frozen weights by a learned number";
    }

    @Override
    public String count() {
        return "out";
    }

    @Override
    public String parts() {
        return "before or after";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("inputs", "down_proj: modules whose inputs are scaled instead of their outputs");
        return s;
    }

    @Override
    public Method of(Settings s) {
        var ia3 = new Ia3(Targets.choice(s.words("inputs", List.of("down_proj"))), false);
        s.finish();
        return ia3;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of(INPUTS, "fan_in_fan_out", "init_ia3_weights");
    }

    @Override
    public Set<String> peftLacks() {
        return Set.of("bias", "layers_pattern", "layers_to_transform");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        Targets.Choice inputs =
                c.get(INPUTS)
                        .map(
                                v ->
                                        v.isList()
                                                ? new Targets.Choice.Names(
                                                        v.items().stream().map(Tree::text).toList())
                                                : (Targets.Choice)
                                                        new Targets.Choice.Regex(v.text()))
                        .orElse(LLAMA);
        return new Ia3(inputs, !c.boolOr("init_ia3_weights", true));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var ia3 = (Ia3) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put(
                INPUTS,
                switch (ia3.inputs()) {
                    case Targets.Choice.Names(var names) -> names;
                    case Targets.Choice.Regex(var pattern) -> pattern;
                    case Targets.Choice.AllLinear all -> ".*";
                });
        keys.put("init_ia3_weights", !ia3.random());
        keys.put("fan_in_fan_out", false);
        return keys;
    }

    /** PEFT refuses words that are not among the targets' words; a regular expression it takes. */
    @Override
    public Map<String, Object> toPeft(Method method, @Nullable Object targets) {
        Map<String, Object> keys = toPeft(method);
        if (targets instanceof List<?> words
                && keys.get(INPUTS) instanceof List<?> inputs
                && !words.containsAll(inputs))
            keys.put(
                    INPUTS,
                    inputs.stream()
                            .map(word -> escaped(String.valueOf(word)))
                            .collect(Collectors.joining("|", ".*(", ")")));
        return keys;
    }

    /** For Python too, which does not know Java's \\Q. */
    private static String escaped(String word) {
        return word.replace(".", "\\.");
    }
}
