package dev.gyre.train;

import dev.gyre.config.BadValue;
import dev.gyre.config.Bind;
import dev.gyre.config.Key;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.model.Activations;
import dev.gyre.quant.BaseEncoding;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that decides what a training run learns. Its components are the keys of a recipe file
 * and, with hyphens, the flags of {@code gyre train}; their annotations are the help text and the
 * defaults.
 */
public record Recipe(
        @Key(value = "model: folder, .gguf file, org/name or pip:PACKAGE", form = "MODEL")
                String base,
        @Key(
                        value = "file of training rows, jsonl; may be given several times",
                        form = "PATH[:FORMAT]")
                List<DataSource> data,
        @Key("folder for the adapter; absent or empty, unless --overwrite is given") Path out,
        @Key(
                        value = "method and its settings; see: gyre methods",
                        def = "oft:block=32",
                        form = "NAME[:KEY=VALUE,...]")
                MethodSpec method,
        @Key(
                        value = "modules to adapt, or re:REGEX",
                        def = "all-linear",
                        form = "NAME,...",
                        commas = true)
                List<String> targets,
        @Key(
                        value = "modules to leave out, or re:REGEX",
                        shown = "none",
                        form = "NAME,...",
                        commas = true)
                List<String> exclude,
        @Key(value = "indices of the layers to adapt", shown = "all", form = "N,...", commas = true)
                List<Integer> layers,
        @Key(
                        value = "modules trained and saved whole",
                        shown = "none",
                        form = "NAME,...",
                        commas = true)
                List<String> modulesToSave,
        @Key(value = "which of the base's biases learn too", def = "none") Bias bias,
        @Key(value = "adapter to go on from", shown = "a new one", form = "DIR")
                Optional<Path> init,
        @Key(value = "chat template: auto (the model's own), none, or a jinja file", def = "auto")
                String template,
        @Key(value = "longest example, in tokens", shown = "the model's own, at most 2048")
                Optional<Integer> contextTokens,
        @Key(value = "what is learned of an example", def = "answers") Learn learn,
        @Key(value = "what a row may be without stopping the run", shown = "nothing", commas = true)
                List<Lenience> allow,
        @Key(value = "examples in one forward pass", def = "8") int batch,
        @Key(value = "forward passes to a step", def = "1") int accumulate,
        @Key(value = "passes over the data; or give steps", shown = "3") Optional<Double> epochs,
        @Key(value = "optimiser steps; or give epochs", shown = "from epochs")
                Optional<Integer> steps,
        @Key(value = "learning rate at its highest", shown = "the method's own")
                Optional<Double> learningRate,
        @Key(value = "how the learning rate goes on after the warmup", def = "linear")
                Schedule schedule,
        @Key(
                        value = "rise at the start: a share of the steps, or from 1 their number",
                        def = "0.03")
                double warmup,
        @Key(value = "AdamW's decay of what is learned; 0: none", def = "0") double weightDecay,
        @Key(value = "length to which longer gradients are cut; 0: no limit", def = "1")
                double clipNorm,
        @Key(
                        value = "random order, like lengths together; false: as the files have it",
                        def = "true")
                boolean shuffle,
        @Key(value = "random stream; runs with one seed give the same numbers", def = "0")
                long seed,
        @Key(
                        value = "held-out rows: a jsonl file, or a share of the data",
                        shown = "none",
                        form = "PATH|X")
                Optional<HeldOut> validation,
        @Key(value = "steps between looks at the held-out rows; 0: at the end", def = "0")
                int evalEvery,
        @Key(
                        value =
                                "whether activations are kept (bf16: rounded) or computed again;"
                                        + " auto: by memory",
                        def = "auto")
                Activations activations,
        @Key(
                        value = "encoding of the frozen weights: " + BaseEncoding.NAMES,
                        def = "stored",
                        form = "NAME")
                String baseEncoding,
        @Key(value = "steps between checkpoints (later); 0: none", def = "0") int saveEvery,
        @Key(value = "go on with an interrupted run (later)", def = "false") boolean resume,
        @Key(value = "where else events go (later)", def = "none", form = "none") String report) {

    /** The base's biases that learn. */
    public enum Bias {
        NONE,
        ALL,
        /** Those of the adapted modules. */
        ADAPTED
    }

    /** The tokens of an example that are learned. */
    public enum Learn {
        /** The text of each assistant turn and its end-of-turn token. */
        ANSWERS
    }

    /** The learning rate after the warmup. */
    public enum Schedule {
        CONSTANT,
        LINEAR,
        COSINE
    }

    /** A row that is an error unless it is allowed. */
    public enum Lenience {
        /** It is longer than {@code context_tokens}: its end is cut. */
        CUT_OFF,
        /** It has nothing to learn: it is skipped. */
        NO_ANSWER,
        /** It has a key that its format does not know: the key is ignored. */
        UNKNOWN_KEY,
        /** It is not JSON: it is skipped. */
        BAD_LINE
    }

    private static final List<String> MAKES_AN_ADAPTER =
            List.of("method", "targets", "exclude", "layers", "modules_to_save", "bias");

    /** Of rates and decays: their products with one another must stay numbers. */
    public static final double LARGEST = 1000;

    public Recipe {
        data = List.copyOf(data);
        targets = List.copyOf(targets);
        exclude = List.copyOf(exclude);
        layers = List.copyOf(layers);
        modulesToSave = List.copyOf(modulesToSave);
        allow = List.copyOf(allow);
        if (base.isBlank())
            throw BadValue.of(
                    "base", "empty", "a model: a folder, a .gguf file, org/name or pip:PACKAGE");
        if (data.isEmpty())
            throw BadValue.saying("data", "must name at least one file of training rows");
        if (targets.isEmpty() && modulesToSave.isEmpty())
            throw BadValue.saying(
                    "targets", "is empty, and so is \"modules_to_save\": nothing would learn");
        for (int layer : layers)
            if (layer < 0) throw BadValue.of("layers", layer, "indices from 0");
        atLeast("context_tokens", contextTokens, 2);
        atLeast("batch", Optional.of(batch), 1);
        atLeast("accumulate", Optional.of(accumulate), 1);
        atLeast("steps", steps, 1);
        if (epochs.isPresent() && steps.isPresent())
            throw BadValue.saying("epochs", "and \"steps\" both say when to end; give one");
        epochs.ifPresent(e -> positive("epochs", e));
        learningRate.ifPresent(
                r -> {
                    positive("learning_rate", r);
                    atMost("learning_rate", r, LARGEST);
                });
        notNegative("warmup", warmup);
        if (warmup > 1 && warmup != Math.rint(warmup))
            throw BadValue.of("warmup", warmup, "a share below 1, or a whole number of steps");
        notNegative("weight_decay", weightDecay);
        atMost("weight_decay", weightDecay, LARGEST);
        notNegative("clip_norm", clipNorm);
        atLeast("eval_every", Optional.of(evalEvery), 0);
        if (evalEvery > 0 && validation.isEmpty())
            throw BadValue.saying("eval_every", "needs held-out rows; give \"validation\"");
        BaseEncoding.named(baseEncoding);
        if (saveEvery != 0) throw later("save_every", saveEvery, "0");
        if (resume) throw later("resume", "true", "false");
        if (!report.equals("none")) throw later("report", report, "none");
    }

    private static void atLeast(String key, Optional<Integer> value, int least) {
        if (value.isPresent() && value.get() < least)
            throw BadValue.of(key, value.get(), "a whole number from " + least);
    }

    private static void positive(String key, double value) {
        if (!(value > 0) || Double.isInfinite(value))
            throw BadValue.of(key, value, "a number above 0");
    }

    private static void notNegative(String key, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) throw BadValue.of(key, value, "0 or more");
    }

    private static void atMost(String key, double value, double most) {
        if (value > most) throw BadValue.of(key, value, "at most %.0f".formatted(most));
    }

    private static BadValue later(String key, Object value, String off) {
        return BadValue.saying(
                key,
                "= %s is not possible yet; it comes with a later version. Leave it at %s"
                        .formatted(value, off));
    }

    /** The recipe that needs nothing else. */
    public static Recipe of(String base, Path data, Path out) {
        return read(
                Tree.of(
                        Map.of("base", base, "data", data.toString(), "out", out.toString()),
                        "recipe",
                        ""));
    }

    /**
     * Reads a recipe strictly.
     *
     * @throws UserError naming the place, the key and what was wanted
     */
    public static Recipe read(Tree tree) {
        return Bind.record(tree, Recipe.class);
    }

    /**
     * As {@link #read}, of what a person gave and nothing else: an adapter to go on from is what it
     * is, so keys that would make another one are refused beside it.
     */
    public static Recipe given(Tree tree) {
        if (tree.get("init").isPresent())
            for (String key : MAKES_AN_ADAPTER)
                if (tree.get(key).isPresent())
                    throw tree.need(key)
                            .saying(
                                    "\"%s\" is given, and \"init\", whose adapter decides it; leave one of them out"
                                            .formatted(key));
        return read(tree);
    }

    /**
     * The same recipe with one key set, named and written as in YAML: {@code with("learning_rate",
     * 1e-3)}, {@code with("method", "lora:rank=8")}.
     */
    public Recipe with(String key, @Nullable Object value) {
        var all = new LinkedHashMap<String, @Nullable Object>(plain());
        all.put(key, value);
        return read(Tree.of(all, "recipe", ""));
    }

    /** The recipe as the map that {@link #read} reads. */
    public Map<String, Object> plain() {
        return Bind.plain(this);
    }

    /** Optimiser steps for so many examples; the last step of an epoch may be smaller. */
    public int stepsFor(long examples) {
        long perEpoch = Math.max(1, Math.ceilDiv(examples, (long) batch * accumulate));
        return steps.orElseGet(
                () ->
                        (int)
                                Math.min(
                                        Integer.MAX_VALUE,
                                        Math.max(1, Math.ceil(epochs.orElse(3.0) * perEpoch))));
    }
}
