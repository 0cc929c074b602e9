package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.Map;
import java.util.Set;

/** LayerNorm tuning in the registry; it has no settings. */
final class LnTuningKind implements MethodKind {
    @Override
    public String name() {
        return "ln_tuning";
    }

    @Override
    public String peftType() {
        return "LN_TUNING";
    }

    @Override
    public String summary() {
        return "learns the weights of norms and nothing else";
    }

    /** It learns at norms, not at slots. */
    @Override
    public String count() {
        return "one a feature of every norm";
    }

    @Override
    public String parts() {
        return "norms";
    }

    @Override
    public Map<String, String> settings() {
        return Map.of();
    }

    @Override
    public Method of(Settings s) {
        s.finish();
        return new LnTuning();
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of();
    }

    @Override
    public Set<String> peftLacks() {
        return Set.of("bias", "layers_pattern", "layers_to_transform");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        return new LnTuning();
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        return Map.of();
    }
}
