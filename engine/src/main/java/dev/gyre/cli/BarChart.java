package dev.gyre.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Horizontal bars in groups, as an SVG that reads well on light and dark pages. */
final class BarChart {
    private static final int WIDTH = 860;
    private static final int LEFT = 96;
    private static final int RIGHT = 70;
    private static final int BAR = 18;
    private static final int LINE = 24;

    private record Entry(String label, double value, boolean heading) {}

    private final String unit;
    private final List<Entry> entries = new ArrayList<>();

    BarChart(String unit) {
        this.unit = unit;
    }

    /** Begins a group. */
    void group(String title) {
        entries.add(new Entry(title, 0, true));
    }

    /** Adds a bar to the last group; the first of a group is shown as our own. */
    void bar(String label, double value) {
        entries.add(new Entry(label, value, false));
    }

    String svg() {
        int height = LINE * (entries.size() + 2);
        double most = entries.stream().mapToDouble(Entry::value).max().orElse(1);
        var svg = new StringBuilder();
        line(
                svg,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\""
                        + " aria-label=\"%s\">",
                WIDTH,
                height,
                escaped(unit));
        line(
                svg,
                "<style>text{font:13px system-ui,sans-serif;fill:#57606a}.h{font-weight:600}"
                        + ".ours{fill:#0969da}.theirs{fill:#8c959f}"
                        + "@media(prefers-color-scheme:dark){text{fill:#9198a1}}</style>");
        line(svg, "<text class=\"h\" x=\"0\" y=\"16\">%s</text>", escaped(unit));
        int y = LINE;
        boolean first = false;
        for (Entry e : entries) {
            if (e.heading) {
                line(svg, "<text class=\"h\" x=\"0\" y=\"%d\">%s</text>", y + 17, escaped(e.label));
            } else {
                double length = (WIDTH - LEFT - RIGHT) * e.value / most;
                line(svg, "<text x=\"0\" y=\"%d\">%s</text>", y + 14, escaped(e.label));
                line(
                        svg,
                        "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\""
                                + " rx=\"3\"/>",
                        first ? "ours" : "theirs",
                        LEFT,
                        y,
                        length,
                        BAR);
                line(
                        svg,
                        "<text x=\"%.1f\" y=\"%d\">%s</text>",
                        LEFT + length + 6,
                        y + 14,
                        String.format(Locale.ROOT, e.value < 100 ? "%.2f" : "%.0f", e.value));
            }
            first = e.heading;
            y += LINE;
        }
        return svg.append("</svg>\n").toString();
    }

    private static void line(StringBuilder svg, String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }
}
