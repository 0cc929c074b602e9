package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** SHiRA in the registry: its settings, and its keys in PEFT's files. */
final class ShiraKind implements MethodKind {
    private static final List<String> MASKS =
            List.of("random", "weight", "struct", "gradient", "snip");

    /** Keys of our own, which PEFT passes over. */
    private static final String SKIP = "gyre_mask_skip";

    private static final String EXAMPLES = "gyre_mask_examples";

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
        s.put("mask", "random: or weight, gradient or snip (the largest), or struct (some rows)");
        s.put("skip", "0: how many adapters' worth of the best places to leave to others");
        s.put("examples", "64: training examples whose gradients masks gradient and snip rank");
        s.put("seed", "(PyTorch's own): of random places");
        return s;
    }

    @Override
    public Method of(Settings s) {
        String mask = s.oneOf("mask", "random", MASKS);
        var shira =
                new Shira(
                        s.whole("rank", 32, 1),
                        ShiraMask.valueOf(mask.toUpperCase(Locale.ROOT)),
                        s.whole("skip", 0, 0),
                        s.whole("examples", 64, 1),
                        s.has("seed") ? s.whole("seed", 0, 0) : Shira.UNSEEDED,
                        false);
        s.finish();
        return shira;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of(
                "r", "mask_type", "random_seed", "init_weights", "fan_in_fan_out", SKIP, EXAMPLES);
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
        String word = c.textOr("mask_type", "random");
        ShiraMask mask =
                Arrays.stream(ShiraMask.values())
                        .filter(m -> m.word.equals(word))
                        .findFirst()
                        .orElse(ShiraMask.RANDOM);
        return new Shira(
                rank,
                mask,
                (int) c.wholeOr(SKIP, 0),
                (int) c.wholeOr(EXAMPLES, 64),
                c.wholeOr("random_seed", Shira.UNSEEDED),
                !c.boolOr("init_weights", true));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var shira = (Shira) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", shira.rank());
        keys.put("mask_type", shira.mask().word);
        if (shira.skip() > 0) keys.put(SKIP, shira.skip());
        if (shira.mask().needsGradients()) keys.put(EXAMPLES, shira.examples());
        if (shira.seed() != Shira.UNSEEDED) keys.put("random_seed", shira.seed());
        keys.put("init_weights", !shira.random());
        keys.put("fan_in_fan_out", false);
        return keys;
    }
}
