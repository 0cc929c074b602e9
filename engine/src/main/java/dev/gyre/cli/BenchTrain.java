package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.BadValue;
import dev.gyre.config.Json;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.train.MethodSpec;
import dev.gyre.train.Recipe;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** {@code gyre bench train}: seconds of a training step, the peer's steps taken in between. */
@Command(
        name = "train",
        description = "Time training steps on rows of random tokens; a JSON row for each program.")
final class BenchTrain implements Commands.Runs {
    private final Shell shell;

    @Mixin private Common common = new Common();

    @Option(
            names = "--base",
            paramLabel = "MODEL",
            required = true,
            description = "Model to train on.")
    private String base = "";

    @Option(
            names = "--method",
            paramLabel = "NAME[:KEY=VALUE,...]",
            description = "Method [oft:block=32].")
    private String method = "oft:block=32";

    @Option(
            names = "--base-encoding",
            paramLabel = "NAME",
            description = "Encoding of the base's weights: stored, f32, int8 [stored].")
    private String baseEncoding = "stored";

    @Option(
            names = "--activations",
            paramLabel = "keep|recompute",
            description = "What the backward pass needs: kept, or computed again [keep].")
    private Recipe.Activations activations = Recipe.Activations.KEEP;

    @Option(names = "--rows", paramLabel = "N", description = "Rows of a step [4].")
    private int rows = 4;

    @Option(names = "--tokens", paramLabel = "N", description = "Tokens of a row [256].")
    private int tokens = 256;

    @Option(names = "--warmup", paramLabel = "N", description = "Steps before the clock runs [2].")
    private int warmup = 2;

    @Option(names = "--steps", paramLabel = "N", description = "Steps that are timed [7].")
    private int steps = 7;

    @Option(
            names = "--peer",
            paramLabel = "peft",
            description = "Another program to take turns with.")
    private Optional<String> peer = Optional.empty();

    @Option(
            names = "--python",
            paramLabel = "PATH",
            description = "The peer's Python [what tools/peers made].")
    private Optional<Path> python = Optional.empty();

    BenchTrain(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        atLeast("--rows", rows, 1);
        atLeast("--tokens", tokens, 2);
        atLeast("--warmup", warmup, 0);
        atLeast("--steps", steps, 1);
        if (peer.isPresent() && !peer.get().equals("peft"))
            throw BadValue.of("--peer", peer.get(), "peft");
        MethodSpec spec = MethodSpec.of(method);
        Gyre gyre = common.start(shell);
        Gyre.Found found = gyre.firstOf(List.of(base));
        var source = new Gyre.Source(found.path().toString(), List.of(), "none", baseEncoding);
        var ours = new Row("gyre");
        var theirs = new Row("peft");
        try (Gyre.Trial trial = gyre.trial(source, spec, activations);
                Peft other =
                        peer.isPresent()
                                ? Peft.start(shell, python, found.path(), spec, common.threads())
                                : Peft.none()) {
            var random = new Random(1);
            for (int step = 0; step < warmup + steps; step++) {
                int[][] batch = batch(random, trial.vocabulary());
                long begun = System.nanoTime();
                double loss = trial.step(batch);
                double seconds = (System.nanoTime() - begun) / 1e9;
                if (step >= warmup) ours.add(seconds, loss);
                shell.err().printf("step %d: gyre %.3f s", step + 1, seconds);
                if (peer.isPresent()) {
                    Peft.Step their = other.step(batch);
                    if (step >= warmup) theirs.add(their.seconds(), their.loss());
                    theirs.peak = their.peakBytes();
                    shell.err().printf(", peft %.3f s", their.seconds());
                }
                shell.err().println();
            }
        }
        ours.peak = ProcessMemory.peakBytes().orElse(0);
        print(ours);
        if (peer.isPresent()) print(theirs);
        return Exit.DONE;
    }

    private static void atLeast(String flag, int value, int least) {
        if (value < least) throw BadValue.of(flag, value, "a whole number from " + least);
    }

    private int[][] batch(Random random, int vocabulary) {
        return Arrays.stream(new int[rows][tokens])
                .map(row -> random.ints(tokens, 0, vocabulary).toArray())
                .toArray(int[][]::new);
    }

    /** What one program measured. */
    private static final class Row {
        final String engine;
        final List<Double> seconds = new ArrayList<>();
        final List<Double> losses = new ArrayList<>();
        long peak;

        Row(String engine) {
            this.engine = engine;
        }

        void add(double took, double loss) {
            seconds.add(took);
            losses.add(loss);
        }
    }

    private void print(Row row) {
        double[] sorted = row.seconds.stream().mapToDouble(s -> s).sorted().toArray();
        double median = (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("engine", row.engine);
        out.put("base", base);
        out.put("method", method);
        out.put("rows", rows);
        out.put("tokens", tokens);
        out.put("warmup", warmup);
        out.put("steps", steps);
        out.put("median_seconds", median);
        out.put("min_seconds", sorted[0]);
        out.put("max_seconds", sorted[sorted.length - 1]);
        out.put("tokens_per_second", rows * tokens / median);
        out.put("peak_rss_bytes", row.peak);
        out.put("losses", row.losses);
        out.put("jdk", Runtime.version().toString());
        out.put("processors", Runtime.getRuntime().availableProcessors());
        out.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        shell.line(Json.write(out));
    }
}
