package dev.gyre.compare.report;

import dev.gyre.compare.Comparison;
import dev.gyre.compare.EqualQuality;
import dev.gyre.compare.Measure;
import dev.gyre.compare.Ranking;
import dev.gyre.compare.Standing;

import java.util.ArrayList;
import java.util.List;

/** A comparison as tables and sentences for a page of documentation. */
final class Markdown {
    private Markdown() {}

    static String of(Comparison all) {
        var out = new StringBuilder();
        Findings.of(all).forEach(f -> out.append("- ").append(f).append('\n'));
        out.append('\n');
        if (all.standings().stream().anyMatch(Standing::ranked)) {
            table(out, Columns.titles(all), rows(all));
            out.append(
                    "\n"
                            + "In brackets: 95 % intervals over seeds and rows. Ranks that overlap"
                            + " cannot be told apart.\n");
        }
        for (Standing s : all.standings()) {
            List<String> notes = Findings.notes(s);
            if (!notes.isEmpty())
                out.append("\n- ")
                        .append(s.name())
                        .append(": ")
                        .append(Figures.list(notes))
                        .append('.');
        }
        all.obstacles()
                .forEach(
                        (m, why) ->
                                out.append("\n- left out: ")
                                        .append(m.name())
                                        .append(": ")
                                        .append(why));
        out.append("\n");
        if (all.by(Measure.HELD_OUT).order().size() > 1) equalQuality(out, all);
        return out.toString();
    }

    private static void equalQuality(StringBuilder out, Comparison all) {
        out.append("\nWhat is forgotten at equal quality:\n\n");
        var equal = new ArrayList<List<String>>();
        for (EqualQuality e : all.equalQuality()) {
            equal.add(
                    List.of(
                            Figures.value(Measure.HELD_OUT, e.loss()),
                            e.worse().name(),
                            Figures.change(e.worseRise()),
                            e.better().name(),
                            (e.bounded() ? "" : "at its lowest rate, still better: ")
                                    + Figures.change(e.betterRise())));
        }
        table(out, List.of("held-out loss", "best of", "forgets", "taken back", "forgets"), equal);
    }

    private static List<List<String>> rows(Comparison all) {
        var rows = new ArrayList<List<String>>();
        for (Ranking.Place p : all.by(Measure.HELD_OUT).order())
            rows.add(Columns.row(all, p.standing()));
        return rows;
    }

    private static void table(StringBuilder out, List<String> titles, List<List<String>> rows) {
        line(out, titles);
        line(out, titles.stream().map(t -> "---").toList());
        rows.forEach(r -> line(out, r));
    }

    private static void line(StringBuilder out, List<String> cells) {
        out.append("| ")
                .append(String.join(" | ", cells.stream().map(c -> c.replace("|", "\\|")).toList()))
                .append(" |\n");
    }
}
