package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** SHiRA in the registry: its settings, and its keys in PEFT's files. */
final class ShiraKind implements MethodKind {
    @Override
    public String name() {
        return "shira";
    }

    @Override
    public String peftType() {
        return "SHIRA";
    }

    @Override
    public String summary() {
        return "learns a few scattered entries of a matrix beside frozen weights";
    }

    @Override
    public String count() {
        return "rank * (in + out)";
    }

    @Override
    public String parts() {
        return "beside";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("rank", "32: as many entries as LoRA of this rank has numbers");
        s.put("mask", "random: or weight (the largest), or struct (the diagonal and some rows)");
        s.put("seed", "(PyTorch's own): of random places");
        return s;
    }

    @Override
    public Method of(Settings s) {
        String mask = s.oneOf("mask", "random", List.of("random", "weight", "struct"));
        var shira =
                new Shira(
                        s.whole("rank", 32, 1),
                        Shira.Mask.valueOf(mask.toUpperCase(Locale.ROOT)),
                        s.has("seed") ? s.whole("seed", 0, 0) : Shira.UNSEEDED,
                        false);
        s.finish();
        return shira;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of("r", "mask_type", "random_seed", "init_weights", "fan_in_fan_out");
    }

    @Override
    public Set<String> peftLacks() {
        return Set.of("bias", "exclude_modules", "layers_pattern", "layers_to_transform");
    }

    /**
     * Where the entries lie, the file's tensors say; of a mask of another name no more is known.
     */
    @Override
    public Method fromPeft(Tree c, Reading reading) {
        int rank = PeftNumbers.rank(c, "r", 32);
        Shira.Mask mask =
                switch (c.textOr("mask_type", "random")) {
                    case "wm" -> Shira.Mask.WEIGHT;
                    case "struct" -> Shira.Mask.STRUCT;
                    default -> Shira.Mask.RANDOM;
                };
        return new Shira(
                rank,
                mask,
                c.wholeOr("random_seed", Shira.UNSEEDED),
                !c.boolOr("init_weights", true));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var shira = (Shira) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", shira.rank());
        keys.put(
                "mask_type",
                switch (shira.mask()) {
                    case RANDOM -> "random";
                    case WEIGHT -> "wm";
                    case STRUCT -> "struct";
                });
        if (shira.seed() != Shira.UNSEEDED) keys.put("random_seed", shira.seed());
        keys.put("init_weights", !shira.random());
        keys.put("fan_in_fan_out", false);
        return keys;
    }
}
