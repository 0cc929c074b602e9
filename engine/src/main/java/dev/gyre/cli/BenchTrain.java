package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.BadValue;
import dev.gyre.config.Json;
import dev.gyre.model.Activations;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.train.MethodSpec;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** {@code gyre bench train}: seconds of a training step, the peers' steps taken in between. */
@Command(
        name = "train",
        description = {
            "Time training steps on rows of random tokens; a JSON row for each program.",
            "Peers take turns with Gyre: peft as it is installed, peft-tuned with its allocator"
                    + " set to keep memory."
        })
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
            description = "Encoding of the base's weights: " + BaseEncoding.NAMES + " [stored].")
    private String baseEncoding = "stored";

    @Option(
            names = "--activations",
            paramLabel = "keep|recompute|auto",
            description = "What the backward pass needs: kept, or computed again [keep].")
    private Activations activations = Activations.KEEP;

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
            paramLabel = "peft|peft-tuned",
            split = ",",
            description = "Other programs to take turns with.")
    private List<String> peers = List.of();

    @Option(
            names = "--python",
            paramLabel = "PATH",
            description = "The peers' Python [what tools/peers made].")
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
        for (String peer : peers)
            if (!Peft.NAMES.contains(peer))
                throw BadValue.of("--peer", peer, String.join(" or ", Peft.NAMES));
        MethodSpec spec = MethodSpec.of(method);
        Gyre gyre = common.start(shell);
        Gyre.Found found = gyre.firstOf(List.of(base));
        var source = new Gyre.Source(found.path().toString(), List.of(), "none", baseEncoding);
        var ours = new BenchRow("gyre");
        var theirs = new ArrayList<BenchRow>();
        try (Gyre.Trial trial = gyre.trial(source, spec, activations);
                var others = new Others()) {
            for (String peer : peers) {
                others.add(Peft.start(shell, peer, python, found.path(), spec, common.threads()));
                theirs.add(new BenchRow(peer));
            }
            var random = new Random(1);
            for (int step = 0; step < warmup + steps; step++)
                step(step, batch(random, trial.vocabulary()), trial, ours, others, theirs);
            ours.peak(ProcessMemory.peakBytes().orElse(0));
            look(trial, batch(random, trial.vocabulary()), ours);
        }
        print(ours, theirs);
        return Exit.DONE;
    }

    private void step(
            int step,
            int[][] batch,
            Gyre.Trial trial,
            BenchRow ours,
            Others others,
            List<BenchRow> theirs) {
        boolean timed = step >= warmup;
        long begun = System.nanoTime();
        double loss = trial.step(batch);
        double seconds = (System.nanoTime() - begun) / 1e9;
        if (timed) ours.add(seconds, loss);
        shell.err().printf("step %d: gyre %.3f s", step + 1, seconds);
        for (int i = 0; i < theirs.size(); i++) {
            BenchRow row = theirs.get(i);
            Peft.Step their = others.get(i).step(batch);
            if (timed) row.add(their.seconds(), their.loss());
            row.peak(their.peakBytes());
            shell.err().printf(", %s %.3f s", row.engine(), their.seconds());
        }
        shell.err().println();
    }

    /** The physical limit, and a step more under the sampler, whose cost the clock does not see. */
    private void look(Gyre.Trial trial, int[][] batch, BenchRow ours) {
        double floor = trial.productsFloor(rows, tokens);
        ours.put("f32_products_seconds", floor);
        ours.put("share_of_f32_products", floor / ours.median());
        try (var sampler = StackSampler.of(Gyre.COMPUTING_THREADS)) {
            trial.step(batch);
            ours.put("time_by_operation", sampler.stop());
        }
    }

    private static void atLeast(String flag, int value, int least) {
        if (value < least) throw BadValue.of(flag, value, "a whole number from " + least);
    }

    private int[][] batch(Random random, int vocabulary) {
        return Arrays.stream(new int[rows][tokens])
                .map(row -> random.ints(tokens, 0, vocabulary).toArray())
                .toArray(int[][]::new);
    }

    private void print(BenchRow ours, List<BenchRow> theirs) {
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
        for (BenchRow their : theirs) {
            ours.put("times_as_fast_as_" + their.engine(), their.median() / ours.median());
            ours.put(
                    "share_of_memory_of_" + their.engine(),
                    (double) ours.peakBytes() / their.peakBytes());
        }
        shell.line(Json.write(ours.plain(run, (long) rows * tokens)));
        run.put("base_encoding", "f32");
        run.put("activations", "keep");
        for (BenchRow their : theirs)
            shell.line(Json.write(their.plain(run, (long) rows * tokens)));
    }

    /** The peers' processes. */
    private static final class Others implements AutoCloseable {
        private final List<Peft> all = new ArrayList<>();

        void add(Peft peer) {
            all.add(peer);
        }

        Peft get(int i) {
            return all.get(i);
        }

        @Override
        public void close() {
            all.forEach(Peft::close);
        }
    }
}
