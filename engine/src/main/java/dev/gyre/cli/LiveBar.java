package dev.gyre.cli;

import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * A bar that lives in the last line of {@code err}. The library draws from a thread of its own;
 * once {@link #close} is through, the line has ended and nothing is drawn any more.
 */
final class LiveBar implements AutoCloseable {
    private final Shell shell;
    private final ProgressBar bar;
    private boolean drawn;
    private boolean ended;

    LiveBar(Shell shell, ProgressBarBuilder builder) {
        this.shell = shell;
        this.bar =
                builder.setStyle(ProgressBarStyle.UNICODE_BLOCK)
                        .setUpdateIntervalMillis(200)
                        .setConsumer(new DelegatingProgressBarConsumer(this::draw, shell.columns()))
                        .build();
    }

    private synchronized void draw(String line) {
        if (ended) return;
        shell.err().print("\r" + line);
        shell.err().flush();
        drawn = true;
    }

    void step(long done) {
        bar.stepTo(done);
    }

    void most(long total) {
        bar.maxHint(total);
    }

    /** What stands behind the bar. */
    void say(String text) {
        bar.setExtraMessage(text);
    }

    @Override
    public void close() {
        bar.close();
        synchronized (this) {
            ended = true;
            if (drawn) shell.err().println();
        }
    }
}
