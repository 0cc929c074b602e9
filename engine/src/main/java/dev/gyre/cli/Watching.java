package dev.gyre.cli;

import dev.gyre.tensor.ProcessMemory;
import dev.gyre.train.TrainEvent;

import me.tongfei.progressbar.ProgressBarBuilder;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Shows a run to a person on {@code err}: a live bar on a terminal, now and then a line elsewhere.
 * Loss, speed, time to go and memory.
 */
final class Watching implements Consumer<TrainEvent>, AutoCloseable {
    private static final int LINES = 20;

    /** Columns of the bar at its smallest, with step, time gone and time to go. */
    private static final int BAR = 44;

    private final Shell shell;
    private final boolean live;
    private final Pace pace = new Pace();
    private @Nullable LiveBar bar;
    private String heldOut = "";
    private int steps;

    Watching(Shell shell) {
        this.shell = shell;
        this.live = shell.fancy(shell.errIsTerminal());
    }

    @Override
    public void accept(TrainEvent event) {
        switch (event) {
            case TrainEvent.Started s -> started(s);
            case TrainEvent.BaseEncoded b -> encoded(b);
            case TrainEvent.Stepped s -> stepped(s);
            case TrainEvent.Evaluated e -> evaluated(e);
            case TrainEvent.Saved s -> {}
            case TrainEvent.Done d -> {
                close();
                shell.err()
                        .printf(
                                "%d steps in %s, %s tokens/s, at most %s of memory%n",
                                d.steps(),
                                Words.clock(d.took()),
                                Words.count(Math.round(d.tokensPerSecond())),
                                d.peakRssBytes() == 0 ? "?" : Words.bytes(d.peakRssBytes()));
            }
            case TrainEvent.Stopped s -> close();
        }
    }

    private void started(TrainEvent.Started s) {
        steps = s.steps();
        shell.err()
                .printf(
                        "%s on %s: %s examples, %d steps; %s of %s numbers learn%n%s%n",
                        s.recipe()
                                .init()
                                .map(adapter -> "going on with " + adapter)
                                .orElse(s.recipe().method().name()),
                        s.recipe().base(),
                        Words.count(s.examples()),
                        s.steps(),
                        Words.count(s.learned()),
                        Words.count(s.learned() + s.frozen()),
                        s.machine());
        if (!live) return;
        var builder = new ProgressBarBuilder().setTaskName("train").setInitialMax(s.steps());
        bar = new LiveBar(shell, builder);
    }

    private void encoded(TrainEvent.BaseEncoded b) {
        shell.err()
                .printf(
                        Locale.ROOT,
                        "base as %s: loss %.4f, as stored %.4f; weights off by %.2f %% (%s: %.2f"
                                + " %%)%n",
                        b.encoding(),
                        b.loss(),
                        b.storedLoss(),
                        100 * b.meanDrift(),
                        b.worst(),
                        100 * b.worstDrift());
    }

    private void stepped(TrainEvent.Stepped s) {
        pace.add(s);
        String text =
                fitting(
                        List.of(
                                "loss " + Words.loss(s.loss()) + heldOut,
                                Words.count(Math.round(pace.tokensPerSecond())) + " tokens/s",
                                Words.bytes(ProcessMemory.residentBytes().orElse(0))));
        if (bar != null) {
            bar.say(text);
            bar.step(s.step());
            return;
        }
        boolean due =
                s.step() == 1 || s.step() == steps || s.step() % Math.max(1, steps / LINES) == 0;
        if (due)
            shell.err()
                    .println(
                            "step %d/%d: %s, %s to go"
                                    .formatted(
                                            s.step(),
                                            steps,
                                            text,
                                            Words.clock(pace.left(steps - s.step()))));
    }

    /** As many of these as there is room for beside the bar; elsewhere all. */
    private String fitting(List<String> parts) {
        int room = bar == null ? Integer.MAX_VALUE : shell.columns() - BAR;
        var text = new StringBuilder(parts.getFirst());
        for (String part : parts.subList(1, parts.size())) {
            if (text.length() + 2 + part.length() > room) break;
            text.append(", ").append(part);
        }
        return text.toString();
    }

    /** The bar has one line, so it goes on naming the latest; elsewhere it is a line of its own. */
    private void evaluated(TrainEvent.Evaluated e) {
        String loss = Words.loss(e.loss());
        if (bar != null) heldOut = " (held out " + loss + ")";
        else shell.err().printf("step %d: held-out loss %s%n", e.step(), loss);
        if (e.step() == steps && bar != null) bar.say("held-out loss " + loss);
    }

    @Override
    public void close() {
        if (bar != null) bar.close();
        bar = null;
    }

    /** Speed over the latest steps, so that a slow first one does not count for ever. */
    private static final class Pace {
        private static final double KEPT = 0.8;
        private double seconds;
        private double tokens;
        private double weight;

        void add(TrainEvent.Stepped s) {
            seconds = KEPT * seconds + Words.seconds(s.took());
            tokens = KEPT * tokens + s.tokens();
            weight = KEPT * weight + 1;
        }

        double tokensPerSecond() {
            return seconds == 0 ? 0 : tokens / seconds;
        }

        Duration left(int steps) {
            return Duration.ofMillis(Math.round(1000 * steps * seconds / weight));
        }
    }
}
