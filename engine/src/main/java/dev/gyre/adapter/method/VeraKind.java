package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** VeRA in the registry: its settings, and its keys in PEFT's files. */
final class VeraKind implements MethodKind {
    @Override
    public String name() {
        return "vera";
    }

    @Override
    public String peftType() {
        return "VERA";
    }

    @Override
    public String summary() {
        return "learns two vectors a weight around random matrices that all weights share";
    }

    @Override
    public String count() {
        return "rank + out";
    }

    @Override
    public String parts() {
        return "beside";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("rank", "256: rank of the shared matrices");
        s.put("start", "0.1: first value of the inner vector, above 0");
        s.put("dropout", "0: share of the adapter's inputs dropped in training");
        s.put("key", "0: seed of the shared matrices; the same for adapters served together");
        s.put("save_projection", "true: keep the shared matrices in files");
        return s;
    }

    @Override
    public Method of(Settings s) {
        var vera =
                new Vera(
                        s.whole("rank", 256, 1),
                        s.real("start", 0.1, 0, false, Double.POSITIVE_INFINITY),
                        s.real("dropout", 0, 0, true, 1),
                        s.whole("key", 0, 0),
                        s.flag("save_projection", true));
        s.finish();
        return vera;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of(
                "r",
                "projection_prng_key",
                "save_projection",
                "vera_dropout",
                "d_initial",
                "fan_in_fan_out",
                "bias",
                "init_weights");
    }

    @Override
    public Set<String> peftLacks() {
        return Set.of("exclude_modules");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        return new Vera(
                PeftNumbers.rank(c, "r", 256),
                c.realOr("d_initial", 0.1),
                c.realOr("vera_dropout", 0),
                c.wholeOr("projection_prng_key", 0),
                c.boolOr("save_projection", true));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var vera = (Vera) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", vera.rank());
        keys.put("projection_prng_key", vera.key());
        keys.put("save_projection", vera.saved());
        keys.put("vera_dropout", vera.dropout());
        keys.put("d_initial", vera.start());
        keys.put("fan_in_fan_out", false);
        keys.put("init_weights", true);
        return keys;
    }
}
