package dev.gyre.compare;

import dev.gyre.adapter.method.Methods;
import dev.gyre.config.BadValue;
import dev.gyre.config.Bind;
import dev.gyre.config.Key;
import dev.gyre.config.Keys;
import dev.gyre.config.Tree;
import dev.gyre.config.Yaml;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.train.DataSource;
import dev.gyre.train.HeldOut;
import dev.gyre.train.MethodSpec;
import dev.gyre.train.Recipe;

import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What is compared, and under which budget. Its components are the flags of {@code gyre compare}.
 */
public record Plan(
        @Key(value = "model: folder, .gguf file, org/name or pip:PACKAGE", form = "MODEL")
                String base,
        @Key(
                        value = "file of training rows, jsonl; may be given several times",
                        form = "PATH[:FORMAT]")
                List<DataSource> data,
        @Key("folder for results and report; a comparison begun there goes on") Path out,
        @Key(
                        value =
                                "methods, as in oft:block=32,lora:rank=16,ia3; all: every one, as"
                                        + " gyre methods lists them",
                        def = "all",
                        form = "all|METHOD,...")
                List<String> methods,
        @Key(
                        value =
                                "learning rates to try; auto: a third of the method's own, its own,"
                                        + " three times it, and one more where the best is an end",
                        def = "auto",
                        form = "auto|X,...")
                List<String> rates,
        @Key(value = "runs at each method's best rate, each with its own seed", def = "3")
                int seeds,
        @Key(value = "optimiser steps of a run", def = "18") int steps,
        @Key(value = "examples in one forward pass", def = "12") int batch,
        @Key(value = "forward passes to a step", def = "1") int accumulate,
        @Key(
                        value = "held-out rows: a jsonl file, or a share of the data",
                        def = "0.1",
                        form = "PATH|X")
                HeldOut validation,
        @Key(
                        value =
                                "held-out rows looked at; a third choose the rate, the others"
                                        + " count",
                        def = "120")
                int heldOutRows,
        @Key(value = "held-out rows answered and compared word for word; 0: none", def = "48")
                int answers,
        @Key(value = "general text, to see what is forgotten", shown = "one that ships with Gyre")
                Optional<Path> general,
        @Key(
                        value = "modules to adapt, or re:REGEX",
                        def = "all-linear",
                        form = "NAME,...",
                        commas = true)
                List<String> targets,
        @Key(value = "how the learning rate goes on after the warmup", def = "linear")
                Recipe.Schedule schedule,
        @Key(value = "rise at the start: a share of the steps, or from 1 their number", def = "0.1")
                double warmup,
        @Key(value = "chat template: auto (the model's own), none, or a jinja file", def = "auto")
                String template,
        @Key(
                        value = "encoding of the frozen weights: " + BaseEncoding.NAMES,
                        def = "stored",
                        form = "NAME")
                String baseEncoding,
        @Key(value = "longest example, in tokens", shown = "the model's own, at most 2048")
                Optional<Integer> contextTokens,
        @Key(value = "what a row may be without stopping the run", shown = "nothing", commas = true)
                List<Recipe.Lenience> allow,
        @Key(
                        value =
                                "runs at the same time, each on one core and with the base in"
                                        + " common; 0: as many as cores and memory allow; 1: one,"
                                        + " on all cores, which alone tells its memory",
                        def = "1")
                int parallel,
        @Key(value = "keep each run's adapter, in OUT/adapters", def = "false")
                boolean keepAdapters) {

    /** Between neighbouring rates of {@code auto}. */
    static final double STRIDE = 3;

    public Plan {
        data = List.copyOf(data);
        methods = List.copyOf(methods);
        rates = List.copyOf(rates);
        targets = List.copyOf(targets);
        allow = List.copyOf(allow);
        atLeast("seeds", seeds, 1);
        atLeast("steps", steps, 2);
        atLeast("held_out_rows", heldOutRows, 6);
        atLeast("answers", answers, 0);
        atLeast("parallel", parallel, 0);
        grid(rates, 1);
        if (specs(methods).isEmpty())
            throw BadValue.saying("methods", "must name at least one method");
    }

    private static void atLeast(String key, int value, int least) {
        if (value < least) throw BadValue.of(key, value, "a whole number from " + least);
    }

    /**
     * Reads a plan strictly.
     *
     * @throws dev.gyre.config.UserError naming the place, the key and what was wanted
     */
    public static Plan read(Tree tree) {
        Plan plan = Bind.record(tree, Plan.class);
        plan.common();
        return plan;
    }

    /** The methods in the order given. */
    public List<MethodSpec> specs() {
        return specs(methods);
    }

    /** A comma parts methods, unless a setting follows it: that belongs to the method before. */
    private static List<MethodSpec> specs(List<String> texts) {
        if (texts.equals(List.of("all")))
            return Methods.ALL.stream().map(k -> new MethodSpec(k.name(), Map.of())).toList();
        var words = new ArrayList<String>();
        for (String part : String.join(",", texts).split(",", -1)) {
            int equals = part.indexOf('=');
            int colon = part.indexOf(':');
            boolean setting = equals >= 0 && (colon < 0 || colon > equals);
            words.add(setting && !words.isEmpty() ? words.removeLast() + "," + part : part.strip());
        }
        var specs = new LinkedHashSet<MethodSpec>();
        for (String word : words) {
            MethodSpec spec = MethodSpec.of(word);
            Methods.make(spec.name(), spec.settings());
            if (!specs.add(spec)) throw BadValue.saying("methods", "names " + word + " twice");
        }
        return List.copyOf(specs);
    }

    /** Whether the rates follow the method. */
    boolean autoRates() {
        return rates.equals(List.of("auto"));
    }

    /** The rates to try for a method, rising. */
    List<Double> grid(MethodSpec method) {
        return grid(rates, Methods.make(method.name(), method.settings()).learningRate());
    }

    private static List<Double> grid(List<String> texts, double own) {
        if (texts.equals(List.of("auto"))) return List.of(own / STRIDE, own, own * STRIDE);
        var rates = new TreeSet<Double>();
        for (String text : String.join(",", texts).split(",", -1)) {
            Object value = Yaml.scalar(text.strip());
            double rate = value instanceof Number n ? n.doubleValue() : Double.NaN;
            if (!(rate > 0 && rate <= Recipe.LARGEST))
                throw BadValue.of(
                        "rates",
                        "\"" + text + "\"",
                        "auto, or numbers above 0 and up to " + Math.round(Recipe.LARGEST));
            if (!rates.add(rate)) throw BadValue.saying("rates", "names " + text + " twice");
        }
        return List.copyOf(rates);
    }

    /** What would be run, in sentences. */
    public List<String> sentences() {
        var out = new ArrayList<String>();
        int runs = 0;
        for (MethodSpec method : specs()) {
            List<Double> grid = grid(method);
            out.add(
                    "%s at %s"
                            .formatted(
                                    Run.word(method),
                                    String.join(", ", grid.stream().map(Plan::shortly).toList())));
            runs += grid.size() + seeds - 1;
        }
        out.add(
                "%d runs of %d steps with %d examples each: every rate once, and %d more %s at each method's best"
                        .formatted(
                                runs,
                                steps,
                                batch * accumulate,
                                seeds - 1,
                                seeds == 2 ? "seed" : "seeds"));
        if (autoRates())
            out.add("and one more for each method whose best rate is an end of its grid");
        return out;
    }

    /** A rate with so many digits as matter. */
    public static String shortly(double rate) {
        return new BigDecimal(rate, new MathContext(3))
                .stripTrailingZeros()
                .toString()
                .replace("E", "e");
    }

    /** The recipe that all runs share. */
    public Recipe common() {
        Map<String, Object> all = Bind.plain(this);
        List<String> recipes = Keys.of(Recipe.class).stream().map(Keys.Entry::name).toList();
        all.keySet().retainAll(recipes);
        return Recipe.read(Tree.of(all, "the comparison", ""));
    }

    /** The recipe of a run. */
    Recipe recipe(Run run, Path adapter) {
        return common().with("method", run.method().plain())
                .with("learning_rate", run.rate())
                .with("seed", run.seed())
                .with("out", adapter.toString());
    }

    /**
     * What the runs of one comparison have in common, by key; the methods, the rates and the number
     * of seeds may grow later.
     */
    Map<String, Object> budget() {
        Map<String, Object> all = Bind.plain(this);
        List.of("out", "methods", "rates", "seeds", "keep_adapters").forEach(all::remove);
        return all;
    }
}
