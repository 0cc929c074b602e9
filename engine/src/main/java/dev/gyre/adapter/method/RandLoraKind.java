package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** RandLoRA in the registry: its settings, and its keys in PEFT's files. */
final class RandLoraKind implements MethodKind {
    @Override
    public String name() {
        return "randlora";
    }

    @Override
    public String peftType() {
        return "RANDLORA";
    }

    @Override
    public String parts() {
        return "beside";
    }

    @Override
    public String summary() {
        return "a full-rank update out of shared random bases, of which diagonals are learned";
    }

    @Override
    public String count() {
        return "ceil(min(in, out) / rank) * (rank + min(in, out))";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("rank", "32: rank of one base; a smaller one means more bases and more numbers");
        s.put("alpha", "(twenty times the rank): numerator of the scale");
        s.put("dropout", "0: share of the adapter's inputs dropped in training");
        s.put("bases", "dense: or sparse, or very-sparse, of -1, 0 and 1");
        s.put("key", "0: seed of the bases; the same for adapters served together");
        s.put("save_projection", "true: keep the bases in files");
        return s;
    }

    @Override
    public Method of(Settings s) {
        int rank = s.whole("rank", 32, 1);
        var method =
                new RandLora(
                        rank,
                        s.real("alpha", 20.0 * rank, 0, false, Double.POSITIVE_INFINITY),
                        s.real("dropout", 0, 0, true, 1),
                        s.whole("key", 0, 0),
                        s.flag("save_projection", true),
                        switch (s.oneOf(
                                "bases", "dense", List.of("dense", "sparse", "very-sparse"))) {
                            case "sparse" -> RandLora.Bases.SPARSE;
                            case "very-sparse" -> RandLora.Bases.VERY_SPARSE;
                            default -> RandLora.Bases.DENSE;
                        });
        s.finish();
        return method;
    }

    /** PEFT's files repeat the shared bases beside every module. */
    @Override
    public boolean isRedundant(String tensor) {
        return tensor.endsWith(".randlora_A") || tensor.endsWith(".randlora_B");
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of(
                "r",
                "randlora_alpha",
                "randlora_dropout",
                "projection_prng_key",
                "save_projection",
                "sparse",
                "very_sparse",
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
        return new RandLora(
                PeftNumbers.rank(c, "r", 32),
                c.realOr("randlora_alpha", 640),
                c.realOr("randlora_dropout", 0),
                c.wholeOr("projection_prng_key", 0),
                c.boolOr("save_projection", true),
                c.boolOr("very_sparse", false)
                        ? RandLora.Bases.VERY_SPARSE
                        : c.boolOr("sparse", false) ? RandLora.Bases.SPARSE : RandLora.Bases.DENSE);
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var own = (RandLora) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", own.rank());
        keys.put("randlora_alpha", PeftNumbers.plain(own.alpha()));
        keys.put("randlora_dropout", own.dropout());
        keys.put("projection_prng_key", own.key());
        keys.put("save_projection", own.saved());
        keys.put("sparse", own.bases() == RandLora.Bases.SPARSE);
        keys.put("very_sparse", own.bases() == RandLora.Bases.VERY_SPARSE);
        keys.put("fan_in_fan_out", false);
        keys.put("init_weights", true);
        return keys;
    }
}
