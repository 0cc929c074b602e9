package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Low-rank adaptation (LoRA, arXiv 2106.09685): y = x·Wᵀ + bias + s·(drop(x)·Aᵀ)·Bᵀ with s =
 * alpha/rank, or alpha/√rank for rsLoRA (arXiv 2312.03732). Starts at B = 0.
 *
 * @param rank r
 * @param alpha numerator of s
 * @param dropout share of the adapter's inputs dropped in training
 * @param rslora s = alpha/√rank
 * @param bias a learned vector beside B, scaled as B is (PEFT's {@code lora_bias})
 * @param rankPattern ranks of modules whose path ends with a name or matches a regular expression
 * @param alphaPattern alphas likewise
 */
public record Lora(
        int rank,
        double alpha,
        double dropout,
        boolean rslora,
        boolean bias,
        Map<String, Double> rankPattern,
        Map<String, Double> alphaPattern,
        Start start)
        implements Method.PerSlot {

    /**
     * How A starts: as PEFT's default, as its "gaussian", or (for tests) A and B as linear layers
     * start.
     */
    enum Start {
        UNIFORM,
        GAUSSIAN,
        BOTH
    }

    @Override
    public String name() {
        return "lora";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private int rank(Slot slot) {
        return pattern(rankPattern, slot).map(Double::intValue).orElse(rank);
    }

    private double scale(Slot slot) {
        double a = pattern(alphaPattern, slot).orElse(alpha);
        return rslora ? a / Math.sqrt(rank(slot)) : a / rank(slot);
    }

    /** PEFT's rule: the first pattern that matches the end of the module's path. */
    private static java.util.Optional<Double> pattern(Map<String, Double> patterns, Slot slot) {
        return patterns.entrySet().stream()
                .filter(
                        e ->
                                Pattern.compile("(.*\\.)?(" + e.getKey() + ")")
                                        .matcher(slot.name())
                                        .matches())
                .map(Map.Entry::getValue)
                .findFirst();
    }

    private static boolean embeds(Slot slot) {
        return slot.kind() == Slot.Kind.EMBEDDING;
    }

    private static String a(Slot slot) {
        return slot.name() + (embeds(slot) ? ".lora_embedding_A" : ".lora_A.weight");
    }

    private static String b(Slot slot) {
        return slot.name() + (embeds(slot) ? ".lora_embedding_B" : ".lora_B.weight");
    }

    private static String beta(Slot slot) {
        return slot.name() + ".lora_B.bias";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        int r = rank(slot);
        var declared = new ArrayList<Declared>();
        declared.add(new Declared(a(slot), new long[] {r, slot.in()}, startOfA(slot, r)));
        declared.add(new Declared(b(slot), new long[] {slot.out(), r}, startOfB(slot, r)));
        if (bias && !embeds(slot))
            declared.add(new Declared(beta(slot), new long[] {slot.out()}, Declared.ZEROS));
        return declared;
    }

    private Declared.Initial startOfA(Slot slot, int r) {
        if (embeds(slot)) return Declared.ZEROS;
        return start == Start.GAUSSIAN
                ? Declared.normal(1.0 / r)
                : Declared.uniform(1 / Math.sqrt(slot.in()));
    }

    private Declared.Initial startOfB(Slot slot, int r) {
        if (embeds(slot)) return Declared.normal(1);
        return start == Start.BOTH ? Declared.uniform(1 / Math.sqrt(r)) : Declared.ZEROS;
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        var map = new Thin(learned.get(a(slot)), learned.get(b(slot)), scale(slot));
        if (!bias || embeds(slot)) return new Effect.Linear(null, null, map, null, dropout);
        return new Effect.Linear(
                null, null, map, scaled(tape, learned.get(beta(slot)), scale(slot)), dropout);
    }

    private static Var scaled(Tape tape, Var v, double s) {
        Tensor y = v.value().times(s);
        return tape.needs(v) ? tape.record(y, dy -> v.accumulate(dy.times(s))) : Var.constant(y);
    }

    /** The registry's line for LoRA. */
    public static final MethodKind KIND = new Kind();

    private static final class Kind implements MethodKind {
        /**
         * Keys that change the mathematics of LoRA in PEFT and are methods of their own, or not
         * known here.
         */
        private static final List<String> OTHERS =
                List.of(
                        "use_dora",
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
            int rank = s.whole("rank", 16, 1);
            double alpha = s.real("alpha", 2.0 * rank, 0, false, Double.POSITIVE_INFINITY);
            var lora =
                    new Lora(
                            rank,
                            alpha,
                            s.real("dropout", 0, 0, true, 1),
                            s.flag("rslora", false),
                            s.flag("bias", false),
                            s.numbers("rank_pattern"),
                            s.numbers("alpha_pattern"),
                            Start.UNIFORM);
            s.finish();
            return lora;
        }

        @Override
        public Set<String> peftKeys() {
            return Set.of(
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
        }

        @Override
        public Method fromPeft(Tree c, Reading reading) {
            for (String key : OTHERS)
                if (c.get(key).filter(v -> !Boolean.FALSE.equals(v.value())).isPresent())
                    throw new UserError(
                            c.need(key).where()
                                    + ": \""
                                    + key
                                    + "\" makes this another method than LoRA, which is"
                                    + " not known here");
            int rank = (int) c.wholeOr("r", 8);
            if (rank < 1) throw new UserError(c.where() + ": r must be 1 or more, not " + rank);
            return new Lora(
                    rank,
                    c.realOr("lora_alpha", 8),
                    c.realOr("lora_dropout", 0),
                    c.boolOr("use_rslora", false),
                    c.boolOr("lora_bias", false),
                    numbers(c, "rank_pattern"),
                    numbers(c, "alpha_pattern"),
                    start(c));
        }

        private static Start start(Tree c) {
            Object value = c.get("init_lora_weights").map(Tree::value).orElse(true);
            return switch (value) {
                case Boolean b -> b ? Start.UNIFORM : Start.BOTH;
                case String s when s.equals("gaussian") -> Start.GAUSSIAN;
                default ->
                        throw new UserError(
                                ("%s: init_lora_weights = %s changes the base weight, which is not"
                                                + " known here; convert the adapter to plain LoRA"
                                                + " in PEFT (save_pretrained with"
                                                + " path_initial_model_for_weight_conversion)")
                                        .formatted(c.where(), value));
            };
        }

        private static Map<String, Double> numbers(Tree c, String key) {
            var out = new LinkedHashMap<String, Double>();
            c.get(key).ifPresent(map -> map.entries().forEach((k, v) -> out.put(k, v.real())));
            return out;
        }

        @Override
        public Map<String, Object> toPeft(Method method) {
            var lora = (Lora) method;
            var keys = new LinkedHashMap<String, Object>();
            keys.put("r", lora.rank);
            keys.put("lora_alpha", number(lora.alpha));
            keys.put("lora_dropout", lora.dropout);
            keys.put("use_rslora", lora.rslora);
            keys.put("lora_bias", lora.bias);
            var ranks = new LinkedHashMap<String, Object>();
            lora.rankPattern.forEach((k, v) -> ranks.put(k, v.intValue()));
            keys.put("rank_pattern", ranks);
            var alphas = new LinkedHashMap<String, Object>();
            lora.alphaPattern.forEach((k, v) -> alphas.put(k, number(v)));
            keys.put("alpha_pattern", alphas);
            keys.put(
                    "init_lora_weights",
                    lora.start == Start.GAUSSIAN ? "gaussian" : lora.start == Start.UNIFORM);
            keys.put("fan_in_fan_out", false);
            keys.put("use_dora", false);
            return keys;
        }

        /** Whole alphas are written as whole numbers, as PEFT's users write them. */
        private static Object number(double value) {
            return value == Math.rint(value) ? (Object) (long) value : (Object) value;
        }
    }
}
