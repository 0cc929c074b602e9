package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.model.Slot;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What LoHa and LoKr share in the registry and in PEFT's files. */
abstract class Lycoris implements MethodKind {
    static final Set<String> KEYS =
            Set.of(
                    "r",
                    "alpha",
                    "rank_dropout",
                    "module_dropout",
                    "rank_pattern",
                    "alpha_pattern",
                    "init_weights",
                    // Of convolutions.
                    "use_effective_conv2d");

    private final String name;
    private final String type;
    private final String summary;

    Lycoris(String name, String type, String summary) {
        this.name = name;
        this.type = type;
        this.summary = summary;
    }

    /** Its own settings with their meaning; the map also holds the shared ones. */
    abstract void describe(Map<String, String> settings);

    abstract Method of(int rank, double alpha, Settings settings);

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final String peftType() {
        return type;
    }

    @Override
    public String parts() {
        return "beside";
    }

    @Override
    public final String summary() {
        return summary;
    }

    /** PEFT's configurations of these methods know no biases. */
    @Override
    public final Set<String> peftLacks() {
        return Set.of("bias");
    }

    @Override
    public final Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("rank", "8: rank of a factor");
        s.put("alpha", "(the rank): numerator of the scale alpha/rank");
        s.put("rank_pattern", "{}: ranks by module name or regular expression");
        s.put("alpha_pattern", "{}: alphas by module name or regular expression");
        describe(s);
        return s;
    }

    @Override
    public final Method of(Settings s) {
        int rank = s.whole("rank", 8, 1);
        Method method = of(rank, s.real("alpha", rank, 0, false, Double.POSITIVE_INFINITY), s);
        s.finish();
        return method;
    }

    static void warnOfDropout(Tree c, Reading reading) {
        if (c.realOr("rank_dropout", 0) > 0 || c.realOr("module_dropout", 0) > 0)
            reading.warn()
                    .accept(
                            c.where()
                                    + ": rank_dropout and module_dropout act in training only,"
                                    + " and not here");
    }

    static Map<String, Object> keys(
            int rank, double alpha, Map<String, Double> ranks, Map<String, Double> alphas) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", rank);
        keys.put("alpha", PeftNumbers.plain(alpha));
        keys.put("rank_dropout", 0.0);
        keys.put("module_dropout", 0.0);
        keys.put("use_effective_conv2d", false);
        keys.put("init_weights", true);
        var r = new LinkedHashMap<String, Object>();
        ranks.forEach((k, v) -> r.put(k, v.intValue()));
        keys.put("rank_pattern", r);
        var a = new LinkedHashMap<String, Object>();
        alphas.forEach((k, v) -> a.put(k, PeftNumbers.plain(v)));
        keys.put("alpha_pattern", a);
        return keys;
    }

    static int rank(int rank, Map<String, Double> patterns, Slot slot) {
        return Fits.pattern(patterns, slot).map(Double::intValue).orElse(rank);
    }

    static double alpha(double alpha, Map<String, Double> patterns, Slot slot) {
        return Fits.pattern(patterns, slot).orElse(alpha);
    }
}
