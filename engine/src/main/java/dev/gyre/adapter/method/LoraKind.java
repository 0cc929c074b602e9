package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** LoRA in the registry: its settings, and its keys in PEFT's files. */
final class LoraKind implements MethodKind {
    /**
     * Keys that change the mathematics of LoRA in PEFT and are methods of their own, or not known
     * here.
     */
    private static final List<String> OTHERS =
            List.of(
                    "use_qalora",
                    "use_bdlora",
                    "alora_invocation_tokens",
                    "arrow_config",
                    "layer_replication",
                    "target_parameters",
                    "trainable_token_indices",
                    "kasa_config",
                    "monteclora_config",
                    "velora_config",
                    "megatron_config");

    @Override
    public String name() {
        return "lora";
    }

    @Override
    public String peftType() {
        return "LORA";
    }

    @Override
    public String summary() {
        return "adds a low-rank product beside frozen weights (rsLoRA with rslora=true)";
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
        s.put("rank", "16: rank of the update");
        s.put("alpha", "(twice the rank): numerator of the scale");
        s.put("dropout", "0: share of the adapter's inputs dropped in training");
        s.put("rslora", "false: scale by alpha/sqrt(rank) instead of alpha/rank");
        s.put("bias", "false: a learned vector beside B");
        s.put("rank_pattern", "{}: ranks by module name or regular expression");
        s.put("alpha_pattern", "{}: alphas by module name or regular expression");
        return s;
    }

    @Override
    public Method of(Settings s) {
        Lora lora = settings(s);
        s.finish();
        return lora;
    }

    /** LoRA's own settings, for it and for what is built on it. */
    static Lora settings(Settings s) {
        int rank = s.whole("rank", 16, 1);
        return new Lora(
                rank,
                s.real("alpha", 2.0 * rank, 0, false, Double.POSITIVE_INFINITY),
                s.real("dropout", 0, 0, true, 1),
                s.flag("rslora", false),
                s.flag("bias", false),
                s.numbers("rank_pattern"),
                s.numbers("alpha_pattern"),
                Lora.Start.UNIFORM);
    }

    @Override
    public Set<String> peftKeys() {
        return KEYS;
    }

    static final Set<String> KEYS =
            Set.of(
                    "use_dora",
                    "r",
                    "lora_alpha",
                    "lora_dropout",
                    "use_rslora",
                    "lora_bias",
                    "rank_pattern",
                    "alpha_pattern",
                    "init_lora_weights",
                    "bias",
                    "fan_in_fan_out",
                    // Of no effect on inference, or only with an initialisation that is refused
                    // below.
                    "ensure_weight_tying",
                    "megatron_core",
                    "qalora_group_size",
                    "runtime_config",
                    "loftq_config",
                    "eva_config",
                    "corda_config",
                    "lora_ga_config");

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        return lora(c, start(c));
    }

    /** LoRA's own part of a configuration. */
    static Lora lora(Tree c, Lora.Start start) {
        for (String key : OTHERS)
            if (c.get(key).filter(v -> !Boolean.FALSE.equals(v.value())).isPresent())
                throw new UserError(
                        c.need(key).where()
                                + ": \""
                                + key
                                + "\" makes this another method than LoRA, which is"
                                + " not known here");
        return new Lora(
                PeftNumbers.rank(c, "r", 8),
                c.realOr("lora_alpha", 8),
                c.realOr("lora_dropout", 0),
                c.boolOr("use_rslora", false),
                c.boolOr("lora_bias", false),
                PeftNumbers.byPattern(c, "rank_pattern"),
                PeftNumbers.byPattern(c, "alpha_pattern"),
                start);
    }

    /** Words for starts of A and B alone, of which a file that holds both needs to know nothing. */
    private static final Set<String> STARTS = Set.of("eva", "orthogonal", "mica");

    static Lora.Start start(Tree c) {
        Object value = c.get("init_lora_weights").map(Tree::value).orElse(true);
        return switch (value) {
            case Boolean b -> b ? Lora.Start.UNIFORM : Lora.Start.BOTH;
            case String s when s.equals("gaussian") -> Lora.Start.GAUSSIAN;
            case String s when STARTS.contains(s) -> Lora.Start.UNIFORM;
            default ->
                    throw new UserError(
                            ("%s: init_lora_weights = %s changes the base weight, which is not"
                                            + " known here; convert the adapter to plain LoRA"
                                            + " in PEFT (save_pretrained with"
                                            + " path_initial_model_for_weight_conversion)")
                                    .formatted(c.where(), value));
        };
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        return keys((Lora) method);
    }

    static Map<String, Object> keys(Lora lora) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", lora.rank());
        keys.put("lora_alpha", PeftNumbers.plain(lora.alpha()));
        keys.put("lora_dropout", lora.dropout());
        keys.put("use_rslora", lora.rslora());
        keys.put("lora_bias", lora.bias());
        var ranks = new LinkedHashMap<String, Object>();
        lora.rankPattern().forEach((k, v) -> ranks.put(k, v.intValue()));
        keys.put("rank_pattern", ranks);
        var alphas = new LinkedHashMap<String, Object>();
        lora.alphaPattern().forEach((k, v) -> alphas.put(k, PeftNumbers.plain(v)));
        keys.put("alpha_pattern", alphas);
        keys.put(
                "init_lora_weights",
                lora.start() == Lora.Start.GAUSSIAN
                        ? "gaussian"
                        : lora.start() == Lora.Start.UNIFORM);
        keys.put("fan_in_fan_out", false);
        keys.put("use_dora", false);
        return keys;
    }
}
