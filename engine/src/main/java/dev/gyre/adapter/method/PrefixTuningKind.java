package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import org.jspecify.annotations.Nullable;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Prefix tuning in the registry: its settings, and its keys in PEFT's files. */
final class PrefixTuningKind extends PromptKind {
    private static final String START = "init_weights";

    @Override
    public String name() {
        return "prefix-tuning";
    }

    @Override
    public String peftType() {
        return "PREFIX_TUNING";
    }

    @Override
    public String summary() {
        return "learns keys and values that every layer sees before the sequence's own";
    }

    @Override
    public String count() {
        return "2 * tokens times the width of the keys";
    }

    @Override
    public String parts() {
        return "keys and values";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("tokens", "20: how many; they use up as many positions of the context");
        s.put("start", "random: normal numbers as PEFT's; or zero");
        return s;
    }

    @Override
    public Method of(Settings s) {
        var method =
                new PrefixTuning(
                        s.whole("tokens", 20, 1),
                        s.oneOf("start", "random", List.of("random", "zero")).equals("zero"));
        s.finish();
        return method;
    }

    @Override
    public Set<String> peftKeys() {
        var keys = new HashSet<>(KEYS);
        keys.addAll(Set.of(START, "encoder_hidden_size", "prefix_projection"));
        return keys;
    }

    /** With a projection files hold what it made, which PEFT too uses as it is. */
    @Override
    public Method fromPeft(Tree c, Reading reading) {
        return new PrefixTuning(tokens(c), c.textOr(START, "").equals("zero"));
    }

    @Override
    public Map<String, @Nullable Object> toPeft(Method method) {
        var own = (PrefixTuning) method;
        Map<String, @Nullable Object> keys = keys(own.tokens());
        keys.put(START, own.zero() ? "zero" : null);
        keys.put("prefix_projection", false);
        keys.put("encoder_hidden_size", null);
        return keys;
    }
}
