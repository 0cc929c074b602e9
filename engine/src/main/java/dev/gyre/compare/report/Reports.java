package dev.gyre.compare.report;

import dev.gyre.compare.Comparison;
import dev.gyre.config.Json;
import dev.gyre.format.AtomicFile;

import java.nio.file.Path;
import java.util.List;

/** Writes a comparison's reports into its folder. */
public final class Reports {
    public static final String HTML = "report.html";
    public static final String JSON = "report.json";
    public static final String MARKDOWN = "summary.md";

    private Reports() {}

    /** The page, the summary, and everything as JSON; older ones are replaced. */
    public static void write(Comparison all) {
        Path out = all.plan().out();
        AtomicFile.write(
                List.of(
                        new AtomicFile.Part(out.resolve(HTML), AtomicFile.text(Page.of(all))),
                        new AtomicFile.Part(
                                out.resolve(JSON),
                                AtomicFile.text(Json.writePretty(Numbers.of(all)) + "\n")),
                        new AtomicFile.Part(
                                out.resolve(MARKDOWN), AtomicFile.text(Markdown.of(all)))));
    }

    /** What was found, for the end of a run. */
    public static List<String> summary(Comparison all) {
        return Findings.of(all);
    }
}
