package dev.gyre.cli;

import dev.gyre.compare.CompareEvent;
import dev.gyre.compare.Measure;
import dev.gyre.compare.Result;
import dev.gyre.compare.Run;
import dev.gyre.train.TrainEvent;

import me.tongfei.progressbar.ProgressBarBuilder;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.function.Consumer;

/** Shows a comparison to a person on {@code err}: a line for each run, and a bar on a terminal. */
final class WatchingRuns implements Consumer<CompareEvent>, AutoCloseable {
    private final Shell shell;
    private final boolean live;
    private @Nullable LiveBar bar;
    private int done;
    private int left;

    WatchingRuns(Shell shell) {
        this.shell = shell;
        this.live = shell.fancy(shell.errIsTerminal());
    }

    @Override
    public void accept(CompareEvent event) {
        switch (event) {
            case CompareEvent.LeftOut(var method, var why) ->
                    shell.err().printf("left out: %s: %s%n", Run.word(method), why);
            case CompareEvent.Begun b -> {
                done = b.done();
                left = b.left();
                shell.err()
                        .printf(
                                "%d runs to make on %s; %s%n",
                                left,
                                b.bench().machine(),
                                done == 0 ? "none is there yet" : done + " are there already");
            }
            case CompareEvent.RunBegins(var run) -> begins(run);
            case CompareEvent.Training(TrainEvent.Stepped s) -> {
                if (bar != null) bar.step(s.step());
            }
            case CompareEvent.Training(TrainEvent.Started s) -> {
                if (bar != null) bar.most(s.steps());
            }
            case CompareEvent.Training t -> {}
            case CompareEvent.RunEnded e -> ended(e);
        }
    }

    private void begins(Run run) {
        if (live) bar = new LiveBar(shell, new ProgressBarBuilder().setTaskName(run.toString()));
    }

    private void ended(CompareEvent.RunEnded e) {
        close();
        done++;
        left = e.left();
        shell.err()
                .printf(
                        "[%d/%d] %s: %s%s%n",
                        done, done + left, e.result().run(), said(e), togo(e.left(), e.timeLeft()));
    }

    private static String togo(int left, Duration time) {
        if (left == 0) return "";
        return "; about " + Words.clock(time) + " to go";
    }

    private static String said(CompareEvent.RunEnded e) {
        return switch (e.result()) {
            case Result.Diverged(var run, var why) -> "diverged: " + why;
            case Result.Finished(var run, var m) ->
                    Words.format(
                            "held-out loss %s%s, general perplexity %s; took %s",
                            Words.loss(e.value(Measure.HELD_OUT, m.scores())),
                            e.bench().questions() == 0
                                    ? ""
                                    : ", "
                                            + Words.percent(e.value(Measure.EXACT, m.scores()))
                                            + " exact",
                            change(e.value(Measure.FORGETTING, m.scores())),
                            Words.clock(Duration.ofMillis(Math.round(1000 * m.seconds()))));
        };
    }

    private static String change(double rise) {
        return Words.format("%+.1f %%", 100 * Math.expm1(rise));
    }

    @Override
    public void close() {
        if (bar != null) bar.close();
        bar = null;
    }
}
