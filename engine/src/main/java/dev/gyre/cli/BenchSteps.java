package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.BadValue;
import dev.gyre.config.UserError;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** What steps are timed: the options that the commands that time steps share. */
final class BenchSteps {
    private static final Pattern RANGE = Pattern.compile("(\\d+)(?:-(\\d+))?");

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

    @Option(
            names = "--tokens",
            paramLabel = "N|LEAST-MOST",
            description = "Tokens of a row; of rows of different lengths, evenly between [256].")
    private String tokens = "256";

    @Option(names = "--warmup", paramLabel = "N", description = "Steps before the clock runs [2].")
    private int warmup = 2;

    @Option(names = "--steps", paramLabel = "N", description = "Steps that are timed [7].")
    private int steps = 7;

    private final Random random = new Random(1);

    /** Refuses numbers that make no step. */
    void check() {
        atLeast("--rows", rows, 1);
        lengths();
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

    int warmup() {
        return warmup;
    }

    /** All steps, those before the clock runs among them. */
    int all() {
        return warmup + steps;
    }

    /** Rows of random tokens, others at each call. */
    int[][] batch(int vocabulary) {
        return Arrays.stream(lengths())
                .mapToObj(length -> random.ints(length, 0, vocabulary).toArray())
                .toArray(int[][]::new);
    }

    /** Tokens of a step. */
    long allTokens() {
        return Arrays.stream(lengths()).asLongStream().sum();
    }

    /** Tokens of each row, the shortest first. */
    private int[] lengths() {
        Matcher range = RANGE.matcher(tokens);
        if (!range.matches()) throw wrongTokens();
        try {
            int least = Integer.parseInt(range.group(1));
            int most = range.group(2) == null ? least : Integer.parseInt(range.group(2));
            if (least < 2 || most < least) throw wrongTokens();
            int gaps = Math.max(1, rows - 1);
            return IntStream.range(0, rows)
                    .map(i -> most - (int) ((long) (most - least) * (rows - 1 - i) / gaps))
                    .toArray();
        } catch (NumberFormatException e) {
            throw wrongTokens();
        }
    }

    private UserError wrongTokens() {
        return BadValue.of("--tokens", tokens, "a whole number from 2, or two as in 32-256");
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
        run.put("tokens", tokens.contains("-") ? tokens : (Object) Long.valueOf(tokens));
        run.put("warmup", warmup);
        run.put("steps", steps);
        return run;
    }
}
