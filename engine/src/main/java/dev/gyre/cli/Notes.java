package dev.gyre.cli;

import dev.gyre.Gyre;

import me.tongfei.progressbar.ProgressBarBuilder;

import org.jspecify.annotations.Nullable;

/**
 * What the engine says while it works, on {@code err}: sentences, and a bar for what it fetches.
 */
final class Notes implements Gyre.Notices {
    private static final long LINE_BYTES = 50_000_000;
    private static final long LINE_NANOS = 2_000_000_000;

    private final Shell shell;
    private final boolean live;
    private @Nullable LiveBar bar;
    private String current = "";

    /** Bytes of a download, or the time of a work, at the last line. */
    private long told;

    Notes(Shell shell) {
        this.shell = shell;
        this.live = shell.fancy(shell.errIsTerminal());
    }

    @Override
    public void say(String sentence) {
        finish();
        shell.err().println(sentence);
    }

    @Override
    public void fetched(String what, long done, long total) {
        if (!what.equals(current)) begin(what, total);
        if (bar != null) {
            if (total > 0) bar.most(total);
            bar.step(done);
        } else if (!live
                && (done - told >= LINE_BYTES || (total > 0 && done >= total && done > told))) {
            told = done;
            shell.err()
                    .println(
                            "fetching %s: %s%s"
                                    .formatted(
                                            what,
                                            Words.bytes(done),
                                            total > 0 ? " of " + Words.bytes(total) : ""));
        }
        if (total > 0 && done >= total) finish();
    }

    @Override
    public void worked(String what, long done, long total) {
        if (!what.equals(current)) {
            finish();
            current = what;
            told = System.nanoTime();
            if (live)
                bar =
                        new LiveBar(
                                shell,
                                new ProgressBarBuilder().setTaskName(what).setInitialMax(total));
        }
        if (bar != null) bar.step(done);
        else if (System.nanoTime() - told >= LINE_NANOS) {
            told = System.nanoTime();
            shell.err()
                    .println(
                            "%s: %s%s"
                                    .formatted(
                                            what,
                                            Words.count(done),
                                            total == Long.MAX_VALUE
                                                    ? ""
                                                    : " of " + Words.count(total)));
        }
        if (done >= total) finish();
    }

    private void begin(String what, long total) {
        finish();
        current = what;
        told = 0;
        if (!live) return;
        bar =
                new LiveBar(
                        shell,
                        new ProgressBarBuilder()
                                .setTaskName(what)
                                .setInitialMax(total > 0 ? total : -1)
                                .setUnit(" MB", 1_000_000)
                                .showSpeed());
    }

    private void finish() {
        if (bar != null) bar.close();
        bar = null;
        current = "";
    }
}
