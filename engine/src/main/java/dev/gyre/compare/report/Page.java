package dev.gyre.compare.report;

import dev.gyre.compare.Comparison;
import dev.gyre.compare.EqualQuality;
import dev.gyre.compare.Measure;
import dev.gyre.compare.Ranking;
import dev.gyre.compare.Standing;

import java.util.List;

/** A comparison as one HTML file that needs nothing else: no script, no font, no picture. */
final class Page {
    private static final String STYLE =
            """
            :root{color-scheme:light dark;--text:#1f2328;--dim:#59636e;--line:#d1d9e0;--back:#fff}
            @media(prefers-color-scheme:dark){:root{--text:#f0f6fc;--dim:#9198a1;--line:#3d444d;--back:#0d1117}}
            body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:64rem;margin:2rem auto;padding:0 1rem}
            table{border-collapse:collapse;display:block;overflow-x:auto}
            th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:left;white-space:nowrap}
            dt{font-weight:600}dd{margin:0 0 .4rem 1rem;color:var(--dim)}
            svg{width:100%;height:auto}svg text{font:13px system-ui,sans-serif;fill:var(--dim)}
            .axis{stroke:var(--line)}p.dim{color:var(--dim)}
            """;

    private Page() {}

    static String of(Comparison all) {
        var out = new StringBuilder();
        out.append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
                .append("<meta name=\"viewport\" content=\"width=device-width\">\n<title>")
                .append(escaped("Methods compared on " + all.plan().base()))
                .append("</title>\n<style>\n")
                .append(STYLE)
                .append("</style>\n</head>\n<body>\n");
        element(out, "h1", "Methods compared on " + all.plan().base());
        element(out, "h2", "What was found");
        items(out, Findings.of(all));
        if (all.standings().stream().anyMatch(Standing::ranked)) results(all, out);
        element(out, "h2", "What was run");
        items(out, all.plan().sentences());
        element(
                out,
                "p",
                "Every run saw the same rows in as many steps; only the method, its learning rate"
                    + " and the seed differ. A third of the held-out rows chose the rate, the"
                    + " others count. Machine: "
                        + all.bench().machine()
                        + ".");
        notes(all, out);
        return out.append("</body>\n</html>\n").toString();
    }

    private static void results(Comparison all, StringBuilder out) {
        element(out, "h2", "Methods at their best learning rate");
        out.append("<table>\n");
        row(out, "th", Columns.titles(all));
        for (Ranking.Place p : all.by(Measure.HELD_OUT).order())
            row(out, "td", Columns.row(all, p.standing()));
        out.append("</table>\n");
        element(
                out,
                "p",
                "In brackets: 95 % intervals over seeds and rows. Two methods whose ranks overlap"
                        + " cannot be told apart by these runs.");
        element(out, "h2", "Held-out loss, with its interval");
        out.append(Charts.intervals(all));
        element(out, "h2", "What is learned, and what is forgotten");
        element(
                out,
                "p",
                "Each point is a run: further left is better on the held-out rows, further down"
                    + " forgets less of the general text. Full points are at the method's best"
                    + " rate.");
        out.append(Charts.forgetting(all));
        if (all.by(Measure.HELD_OUT).order().size() > 1) {
            element(out, "h2", "Forgetting at equal quality");
            element(
                    out,
                    "p",
                    "The better of two methods is taken back along its lower rates to the loss of"
                            + " the other's best; from single seeds, so without confidence.");
            items(out, all.equalQuality().stream().map(Page::sentence).toList());
        }
        element(out, "h2", "What the columns mean");
        out.append("<dl>\n");
        for (Columns.Column c : Columns.of(all)) {
            element(out, "dt", c.title());
            element(out, "dd", c.meaning());
        }
        out.append("</dl>\n");
    }

    private static String sentence(EqualQuality e) {
        String text = Findings.equal(e);
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    private static void notes(Comparison all, StringBuilder out) {
        var notes = new java.util.ArrayList<String>();
        for (Standing s : all.standings()) {
            List<String> own = Findings.notes(s);
            if (!own.isEmpty()) notes.add(s.name() + ": " + Figures.list(own) + ".");
        }
        all.obstacles().forEach((m, why) -> notes.add("Left out: " + m.name() + ": " + why));
        if (notes.isEmpty()) return;
        element(out, "h2", "To be kept in mind");
        items(out, notes);
    }

    private static void items(StringBuilder out, List<String> texts) {
        out.append("<ul>\n");
        texts.forEach(t -> element(out, "li", t));
        out.append("</ul>\n");
    }

    private static void row(StringBuilder out, String cell, List<String> texts) {
        out.append("<tr>");
        for (String text : texts)
            out.append('<')
                    .append(cell)
                    .append('>')
                    .append(escaped(text))
                    .append("</")
                    .append(cell)
                    .append('>');
        out.append("</tr>\n");
    }

    private static void element(StringBuilder out, String name, String text) {
        out.append('<')
                .append(name)
                .append('>')
                .append(escaped(text))
                .append("</")
                .append(name)
                .append(">\n");
    }

    static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
