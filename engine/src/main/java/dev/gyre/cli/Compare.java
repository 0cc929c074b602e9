package dev.gyre.cli;

import dev.gyre.compare.Comparison;
import dev.gyre.compare.Plan;
import dev.gyre.compare.report.Reports;
import dev.gyre.config.Tree;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.util.Map;

/** {@code gyre compare}. */
@Command(
        name = "compare",
        description = {
            "Compare methods on your rows, and say which can be told apart.",
            "Each gets the same steps, batches and rows, at several learning rates, and",
            "several seeds at the best one. Interrupted, it goes on where it was when run",
            "again."
        },
        sortOptions = false)
final class Compare implements Commands.Runs {
    private final Shell shell;

    @Spec private CommandSpec spec = CommandSpec.create();
    @Mixin private Common common = new Common();

    @Option(names = "--dry-run", description = "Say which runs that makes, and make none.")
    private boolean dryRun;

    Compare(Shell shell) {
        this.shell = shell;
    }

    @Override
    public void extend(CommandSpec spec) {
        KeyFlags.add(spec, Plan.class);
    }

    @Override
    public Integer call() {
        Plan plan =
                Plan.read(KeyFlags.over(Tree.of(Map.of(), "command line", ""), spec, Plan.class));
        if (dryRun) {
            plan.sentences().forEach(shell::line);
            return Exit.DONE;
        }
        Comparison done;
        try (var watching = new WatchingRuns(shell)) {
            done = common.start(shell).compare(plan, watching);
        }
        Reports.write(done);
        Reports.summary(done).forEach(shell::line);
        shell.err().println("report: " + plan.out().resolve(Reports.HTML));
        return Exit.DONE;
    }
}
