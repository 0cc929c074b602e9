package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.BadValue;
import dev.gyre.model.Activations;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.train.MethodSpec;

import picocli.CommandLine.Option;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/** What steps are timed: the options that the commands that time steps share. */
final class BenchSteps {
    @Option(
            names = "--base",
            paramLabel = "MODEL",
            required = true,
            description = "Model to train on.")
    private String base = "";

    @Option(
            names = "--base-encoding",
            paramLabel = "NAME",
            description = "Encoding of the base's weights: " + BaseEncoding.NAMES + " [stored].")
    private String baseEncoding = "stored";

    @Option(
            names = "--activations",
            paramLabel = "keep|bf16|recompute|auto",
            description =
                    "What the backward pass needs: kept, kept in bf16, or computed again [keep].")
    private Activations activations = Activations.KEEP;

    @Option(names = "--rows", paramLabel = "N", description = "Rows of a step [4].")
    private int rows = 4;

    @Option(names = "--tokens", paramLabel = "N", description = "Tokens of a row [256].")
    private int tokens = 256;

    @Option(names = "--warmup", paramLabel = "N", description = "Steps before the clock runs [2].")
    private int warmup = 2;

    @Option(names = "--steps", paramLabel = "N", description = "Steps that are timed [7].")
    private int steps = 7;

    private final Random random = new Random(1);

    /** Refuses numbers that make no step. */
    void check() {
        atLeast("--rows", rows, 1);
        atLeast("--tokens", tokens, 2);
        atLeast("--warmup", warmup, 0);
        atLeast("--steps", steps, 1);
    }

    private static void atLeast(String flag, int value, int least) {
        if (value < least) throw BadValue.of(flag, value, "a whole number from " + least);
    }

    Gyre.Found base(Gyre gyre) {
        return gyre.firstOf(List.of(base));
    }

    Gyre.Trial trial(Gyre gyre, Gyre.Found found, MethodSpec method) {
        var source = new Gyre.Source(found.path().toString(), List.of(), "none", baseEncoding);
        return gyre.trial(source, method, activations);
    }

    int rows() {
        return rows;
    }

    int tokens() {
        return tokens;
    }

    int warmup() {
        return warmup;
    }

    /** All steps, those before the clock runs among them. */
    int all() {
        return warmup + steps;
    }

    /** Rows of random tokens, others at each call. */
    int[][] batch(int vocabulary) {
        return Arrays.stream(new int[rows][tokens])
                .map(row -> random.ints(tokens, 0, vocabulary).toArray())
                .toArray(int[][]::new);
    }

    /** Tokens of a step. */
    long allTokens() {
        return (long) rows * tokens;
    }

    /** What holds for all programs of a run: commit, machine, flags. */
    Map<String, Object> run(Common common, String method) {
        Map<String, Object> run = new LinkedHashMap<>(Provenance.now());
        run.put("threads", common.threads().orElse(Runtime.getRuntime().availableProcessors()));
        run.put("base", base);
        run.put("method", method);
        run.put("base_encoding", baseEncoding);
        run.put("activations", activations.name().toLowerCase(Locale.ROOT));
        run.put("rows", rows);
        run.put("tokens", tokens);
        run.put("warmup", warmup);
        run.put("steps", steps);
        return run;
    }
}
