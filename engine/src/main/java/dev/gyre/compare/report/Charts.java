package dev.gyre.compare.report;

import dev.gyre.compare.Comparison;
import dev.gyre.compare.Confidence;
import dev.gyre.compare.Measure;
import dev.gyre.compare.Ranking;
import dev.gyre.compare.Result;
import dev.gyre.compare.Standing;

import java.util.List;

/** The report's pictures, as SVG inside the page. */
final class Charts {
    private static final int WIDTH = 900;
    private static final int LEFT = 220;
    private static final int LINE = 28;
    private static final int HEIGHT = 460;
    private static final int EDGE = 60;

    /** Colours that are told apart on light and on dark. */
    private static final List<String> COLOURS =
            List.of(
                    "#0969da", "#bf3989", "#1a7f37", "#bc4c00", "#8250df", "#9a6700", "#0e8a9b",
                    "#cf222e");

    private Charts() {}

    /** A range of values as pixels. */
    private record Scale(double from, double to, double first, double last) {
        /** With a twentieth to spare on both sides. */
        static Scale around(double low, double high, double first, double last) {
            double spare = high > low ? (high - low) / 20 : Math.max(1e-3, Math.abs(high) / 20);
            return new Scale(low - spare, high + spare, first, last);
        }

        double at(double value) {
            return first + (last - first) * (value - from) / (to - from);
        }
    }

    private static String colour(Comparison all, Standing standing) {
        return COLOURS.get(all.standings().indexOf(standing) % COLOURS.size());
    }

    /** Each method's held-out loss with its interval. */
    static String intervals(Comparison all) {
        List<Ranking.Place> order = all.by(Measure.HELD_OUT).order();
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (Ranking.Place p : order) {
            low = Math.min(low, p.mean().mean() - half(p.mean()));
            high = Math.max(high, p.mean().mean() + half(p.mean()));
        }
        Scale x = Scale.around(low, high, LEFT, WIDTH - EDGE);
        var svg = open(LINE * (order.size() + 2), "Held-out loss of each method");
        int y = LINE;
        for (Ranking.Place p : order) {
            double mean = x.at(p.mean().mean());
            String colour = colour(all, p.standing());
            text(svg, 0, y + 4, "start", p.standing().name());
            add(
                    svg,
                    "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\""
                        + " stroke-width=\"2\"/>",
                    x.at(p.mean().mean() - half(p.mean())),
                    x.at(p.mean().mean() + half(p.mean())),
                    y,
                    y,
                    colour);
            add(svg, "<circle cx=\"%.1f\" cy=\"%d\" r=\"5\" fill=\"%s\"/>", mean, y, colour);
            y += LINE;
        }
        axis(svg, x, y);
        return svg.append("</svg>\n").toString();
    }

    private static double half(Confidence c) {
        return Double.isInfinite(c.half()) ? 0 : c.half();
    }

    private static void axis(StringBuilder svg, Scale x, int y) {
        add(
                svg,
                "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>",
                x.first,
                x.last,
                y - 12,
                y - 12);
        for (int i = 0; i <= 4; i++) {
            double value = x.from + (x.to - x.from) * i / 4;
            text(svg, x.at(value), y + 6, "middle", Figures.value(Measure.HELD_OUT, value));
        }
    }

    /** Every run: held-out loss to the right, forgetting upwards. */
    static String forgetting(Comparison all) {
        List<Result.Finished> runs = all.finished();
        double[] losses = runs.stream().mapToDouble(r -> all.value(Measure.HELD_OUT, r)).toArray();
        double[] rises = runs.stream().mapToDouble(r -> all.value(Measure.FORGETTING, r)).toArray();
        Scale x = around(losses, EDGE + 20, WIDTH - LEFT);
        Scale y = around(rises, HEIGHT - EDGE, 20);
        var svg = open(HEIGHT, "Forgetting against held-out loss, a point for each run");
        axis(svg, x, HEIGHT - EDGE + 30);
        text(svg, (x.first + x.last) / 2, HEIGHT - 8, "middle", "held-out loss");
        add(
                svg,
                "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
                EDGE + 10,
                EDGE + 10,
                y.first,
                y.last);
        for (int i = 0; i <= 4; i++) {
            double value = y.from + (y.to - y.from) * i / 4;
            text(svg, EDGE + 4, y.at(value) + 4, "end", Figures.change(value));
        }
        for (Standing s : all.standings()) legend(all, svg, s);
        for (int i = 0; i < losses.length; i++) {
            Standing s = standing(all, runs.get(i));
            boolean best = s.runs().contains(runs.get(i));
            add(
                    svg,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" stroke=\"%s\""
                        + " fill=\"%s\"><title>%s</title></circle>",
                    x.at(losses[i]),
                    y.at(rises[i]),
                    colour(all, s),
                    best ? colour(all, s) : "none",
                    Page.escaped(runs.get(i).run().toString()));
        }
        return svg.append("</svg>\n").toString();
    }

    private static void legend(Comparison all, StringBuilder svg, Standing s) {
        int y = 30 + 22 * all.standings().indexOf(s);
        add(
                svg,
                "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>",
                WIDTH - LEFT + 20,
                y,
                colour(all, s));
        text(svg, WIDTH - LEFT + 32, y + 4, "start", s.name());
    }

    private static Standing standing(Comparison all, Result.Finished run) {
        return all.standings().stream()
                .filter(s -> s.method().equals(run.run().method()))
                .findFirst()
                .orElseThrow();
    }

    private static Scale around(double[] values, double first, double last) {
        double low = java.util.Arrays.stream(values).min().orElse(0);
        double high = java.util.Arrays.stream(values).max().orElse(1);
        return Scale.around(low, high, first, last);
    }

    private static StringBuilder open(int height, String label) {
        var svg = new StringBuilder();
        add(
                svg,
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
                WIDTH,
                height,
                label);
        return svg;
    }

    private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
        add(
                svg,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
                x,
                y,
                anchor,
                Page.escaped(text));
    }

    private static void add(StringBuilder svg, String pattern, Object... values) {
        svg.append(Figures.format(pattern, values)).append('\n');
    }
}
