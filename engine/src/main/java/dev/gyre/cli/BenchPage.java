package dev.gyre.cli;

import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.format.AtomicFile;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** {@code gyre bench page}: rows that {@code bench train} printed, as a page with charts. */
@Command(
        name = "page",
        description = "Write a Markdown page with two charts from rows of bench train.")
final class BenchPage implements Commands.Runs {
    private final Shell shell;

    @Parameters(paramLabel = "ROWS", arity = "1", description = "A jsonl file of rows.")
    private Path rows = Path.of("");

    @Option(
            names = "--out",
            paramLabel = "FILE.md",
            required = true,
            description = "The page; its charts go beside it, into FILE-speed.svg and so on.")
    private Path out = Path.of("");

    BenchPage(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        AtomicFile.write(parts(rows, out));
        shell.line(out.toString());
        return Exit.DONE;
    }

    /** The page and its charts, as they are to be written. */
    static List<AtomicFile.Part> parts(Path rows, Path out) {
        List<Run> runs = runs(rows);
        return List.of(
                new AtomicFile.Part(out, AtomicFile.text(page(runs, out))),
                new AtomicFile.Part(
                        chart(out, "speed"),
                        AtomicFile.text(bars(runs, "tokens a second", Row::tokensPerSecond))),
                new AtomicFile.Part(
                        chart(out, "memory"),
                        AtomicFile.text(bars(runs, "peak memory, GB", Row::gigabytes))));
    }

    private static Path chart(Path page, String what) {
        String name = page.getFileName().toString().replaceFirst("\\.md$", "");
        return page.resolveSibling(name + "-" + what + ".svg");
    }

    /** One program's row. */
    private record Row(Tree tree) {
        String engine() {
            return tree.need("engine").text();
        }

        double seconds() {
            return tree.need("median_seconds").real();
        }

        double tokensPerSecond() {
            return tree.need("tokens_per_second").real();
        }

        double lastLoss() {
            return tree.need("losses").items().getLast().real();
        }

        double gigabytes() {
            return tree.need("peak_rss_bytes").real() / 1e9;
        }

        String spread() {
            return String.format(
                    Locale.ROOT,
                    "%.2f (%.2f–%.2f)",
                    seconds(),
                    tree.need("min_seconds").real(),
                    tree.need("max_seconds").real());
        }
    }

    /** Programs that took turns: ours first. */
    private record Run(Row ours, List<Row> theirs) {
        String title() {
            Tree t = ours.tree;
            return "%s, %s, %d×%s, base %s, activations %s"
                    .formatted(
                            name(t.need("base").text()),
                            t.need("method").text(),
                            t.need("rows").whole(),
                            t.need("tokens").plain(),
                            t.need("base_encoding").text(),
                            t.need("activations").text());
        }

        private static String name(String base) {
            return base.substring(base.lastIndexOf(base.contains(":") ? ':' : '/') + 1);
        }
    }

    private static List<Run> runs(Path file) {
        var runs = new ArrayList<Run>();
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).isBlank()) continue;
            var row = new Row(Json.read(lines.get(i), file.toString(), i + 1));
            if (row.engine().equals("gyre")) runs.add(new Run(row, new ArrayList<>()));
            else if (runs.isEmpty())
                throw row.tree.need("engine").wrong("\"gyre\" in the first row of a run");
            else runs.getLast().theirs.add(row);
        }
        if (runs.isEmpty()) throw new UserError(file + ": there is no row in it");
        return runs;
    }

    private static String page(List<Run> runs, Path out) {
        var page = new StringBuilder();
        page.append(
                """
                # Performance

                Printed by `gyre bench page` from the rows beside this page; a test keeps it current. Each run is one
                command, `gyre bench train … --peer peft,peft-tuned`: the programs take turns, step by step, on the same rows of
                random tokens. Times are medians (and extremes) of a step's seconds, memory is the process's highest.
                "peft" is Hugging Face PEFT as it is installed, in f32; "peft-tuned" the same with glibc told to keep freed
                memory. Rows of different lengths, as in 8×32-256, are padded by PEFT and never by Gyre; only their own tokens count.
                "Share of the limit" is the time that the frozen weights' products alone take in f32, measured
                in the same process, over the step's.

                """);
        page.append("![Tokens a second](%s)\n\n".formatted(chart(out, "speed").getFileName()));
        page.append("![Peak memory](%s)\n".formatted(chart(out, "memory").getFileName()));
        for (Run run : runs) append(page, run);
        return page.toString();
    }

    private static void append(StringBuilder page, Run run) {
        Tree t = run.ours.tree;
        page.append("\n## %s\n\n".formatted(run.title()));
        page.append(
                "Commit `%s`, %s, %d processors, %d threads; %d steps after %d.\n\n"
                        .formatted(
                                t.need("commit").text(),
                                t.need("processor").text(),
                                t.need("processors").whole(),
                                t.need("threads").whole(),
                                t.need("steps").whole(),
                                t.need("warmup").whole()));
        page.append(
                """
                | program | seconds a step | tokens a second | memory | loss of the last step | Gyre is as fast | in a memory of |
                |---|---|---|---|---|---|---|
                """);
        page.append(
                String.format(
                        Locale.ROOT,
                        "| gyre | %s | %.0f | %.2f GB | %.4f | | |\n",
                        run.ours.spread(),
                        run.ours.tokensPerSecond(),
                        run.ours.gigabytes(),
                        run.ours.lastLoss()));
        for (Row r : run.theirs)
            page.append(
                    String.format(
                            Locale.ROOT,
                            "| %s | %s | %.0f | %.2f GB | %.4f | %.2f× | %.2f× |\n",
                            r.engine(),
                            r.spread(),
                            r.tokensPerSecond(),
                            r.gigabytes(),
                            r.lastLoss(),
                            r.seconds() / run.ours.seconds(),
                            run.ours.gigabytes() / r.gigabytes()));
        page.append(
                String.format(
                        Locale.ROOT,
                        "\nShare of the limit: %.0f %%.",
                        100 * t.need("share_of_f32_products").real()));
        var shares = new ArrayList<String>();
        t.need("time_by_operation")
                .entries()
                .forEach(
                        (name, share) ->
                                shares.add(
                                        String.format(
                                                Locale.ROOT,
                                                "%s %.0f %%",
                                                name.equals("other") ? name : "`" + name + "`",
                                                100 * share.real())));
        if (!shares.isEmpty())
            page.append(" Time by operation: %s.".formatted(String.join(", ", shares)));
        page.append("\n");
    }

    private static String bars(List<Run> runs, String unit, ToDoubleFunction<Row> value) {
        var chart = new BarChart(unit);
        for (Run run : runs) {
            chart.group(run.title());
            chart.bar("gyre", value.applyAsDouble(run.ours));
            for (Row r : run.theirs) chart.bar(r.engine(), value.applyAsDouble(r));
        }
        return chart.svg();
    }
}
