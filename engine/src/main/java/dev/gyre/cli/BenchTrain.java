package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.BadValue;
import dev.gyre.config.Json;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.tensor.Torch;
import dev.gyre.train.MethodSpec;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

    @Mixin private BenchSteps steps = new BenchSteps();

    @Option(
            names = "--method",
            paramLabel = "NAME[:KEY=VALUE,...]",
            description = "Method [oft:block=32].")
    private String method = "oft:block=32";

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
        steps.check();
        for (String peer : peers)
            if (!Peft.NAMES.contains(peer))
                throw BadValue.of("--peer", peer, String.join(" or ", Peft.NAMES));
        MethodSpec spec = MethodSpec.of(method);
        Gyre gyre = common.start(shell);
        Gyre.Found found = steps.base(gyre);
        var ours = new BenchRow("gyre");
        var theirs = new ArrayList<BenchRow>();
        try (Gyre.Trial trial = steps.trial(gyre, found, spec);
                var others = new Others()) {
            for (String peer : peers) {
                others.add(Peft.start(shell, peer, python, found.path(), spec, common.threads()));
                theirs.add(new BenchRow(peer));
            }
            for (int step = 0; step < steps.all(); step++)
                step(step, steps.batch(trial.vocabulary()), trial, ours, others, theirs);
            ours.peak(ProcessMemory.peakBytes().orElse(0));
            double floor = trial.productsFloor(steps.allTokens());
            ours.put("blas", Torch.blas());
            ours.put("f32_products_seconds", floor);
            ours.put("share_of_f32_products", floor / ours.median());
            ours.lookAt(trial, steps.batch(trial.vocabulary()));
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
        boolean timed = step >= steps.warmup();
        double seconds = ours.step(trial, batch, timed);
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

    private void print(BenchRow ours, List<BenchRow> theirs) {
        Map<String, Object> run = steps.run(common, method);
        for (BenchRow their : theirs) {
            ours.put("times_as_fast_as_" + their.engine(), their.median() / ours.median());
            ours.put(
                    "share_of_memory_of_" + their.engine(),
                    (double) ours.peakBytes() / their.peakBytes());
        }
        shell.line(Json.write(ours.plain(run, steps.allTokens())));
        run.put("base_encoding", "f32");
        run.put("activations", "keep");
        for (BenchRow their : theirs) shell.line(Json.write(their.plain(run, steps.allTokens())));
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
