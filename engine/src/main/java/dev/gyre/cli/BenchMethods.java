package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.Json;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.train.MethodSpec;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code gyre bench methods}: what a step of a method costs beside a step of another. */
@Command(
        name = "methods",
        description = {
            "Time training steps of methods, each beside those of one; a JSON row for each.",
            "The two take turns, step by step, so that what else the machine does meets both.",
            "The peak of memory is the process's: of both, and of the methods before."
        })
final class BenchMethods implements Commands.Runs {
    private final Shell shell;

    @Mixin private Common common = new Common();

    @Parameters(
            paramLabel = "NAME[:KEY=VALUE,...]",
            arity = "1..*",
            description = "Methods to time.")
    private List<String> methods = List.of();

    @Mixin private BenchSteps steps = new BenchSteps();

    @Option(
            names = "--beside",
            paramLabel = "NAME[:KEY=VALUE,...]",
            description = "The method that is the measure [lora:rank=16].")
    private String beside = "lora:rank=16";

    BenchMethods(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        steps.check();
        MethodSpec measure = MethodSpec.of(beside);
        List<MethodSpec> specs = methods.stream().map(MethodSpec::of).toList();
        Gyre gyre = common.start(shell);
        Gyre.Found found = steps.base(gyre);
        try (Gyre.Trial other = steps.trial(gyre, found, measure)) {
            for (int i = 0; i < specs.size(); i++)
                shell.line(Json.write(row(gyre, found, methods.get(i), specs.get(i), other)));
        }
        return Exit.DONE;
    }

    private Map<String, Object> row(
            Gyre gyre, Gyre.Found found, String name, MethodSpec spec, Gyre.Trial measure) {
        var own = new BenchRow("gyre");
        var others = new BenchRow("gyre");
        var ratios = new ArrayList<Double>();
        try (Gyre.Trial trial = steps.trial(gyre, found, spec)) {
            for (int step = 0; step < steps.all(); step++) {
                int[][] batch = steps.batch(trial.vocabulary());
                boolean timed = step >= steps.warmup();
                double seconds = own.step(trial, batch, timed);
                double theirs = others.step(measure, batch, timed);
                if (timed) ratios.add(seconds / theirs);
                shell.err()
                        .printf(
                                "step %d: %s %.3f s, %s %.3f s%n",
                                step + 1, name, seconds, beside, theirs);
            }
            own.put("beside", beside);
            own.put("beside_median_seconds", others.median());
            own.put("times_its_seconds", BenchRow.median(ratios));
            own.put("times_its_seconds_each", ratios);
            own.put("learns", trial.learns());
            own.lookAt(trial, steps.batch(trial.vocabulary()));
            own.peak(ProcessMemory.peakBytes().orElse(0));
        }
        return own.plain(steps.run(common, name), steps.allTokens());
    }
}
