package dev.gyre.compare.report;

import dev.gyre.compare.Comparison;
import dev.gyre.compare.Measure;
import dev.gyre.compare.Ranking;
import dev.gyre.compare.Standing;

import java.util.ArrayList;
import java.util.List;

/** The columns of the table of methods: what each is called, what it means, and its text. */
final class Columns {
    /** A column. */
    record Column(String title, String meaning, Cell cell) {}

    /** A column's text for a method. */
    @FunctionalInterface
    interface Cell {
        String of(Comparison all, Standing standing);
    }

    private Columns() {}

    static List<Column> of(Comparison all) {
        var out = new ArrayList<Column>();
        out.add(new Column("method", "Name and settings.", (c, s) -> s.name()));
        out.add(
                new Column(
                        "rate",
                        "The learning rate with the lowest loss on the rows that choose.",
                        (c, s) -> Figures.rate(s.rate())));
        out.add(
                new Column(
                        "rank",
                        "By held-out loss. A range such as 1–3 means that chance may decide which"
                            + " of these ranks it has; methods whose ranges overlap may be equal.",
                        Columns::rank));
        out.add(
                new Column(
                        "held-out loss",
                        "Mean −log p of an answer's token, on rows that were neither learned nor"
                                + " used to choose the rate. Lower is better.",
                        (c, s) -> interval(c, s, Measure.HELD_OUT)));
        if (all.rankings().containsKey(Measure.EXACT))
            out.add(
                    new Column(
                            "exact answers",
                            "Share of held-out questions whose likeliest answer is the wanted one,"
                                    + " word for word.",
                            (c, s) -> interval(c, s, Measure.EXACT)));
        out.add(
                new Column(
                        "forgetting",
                        "How much higher the perplexity of a general text is than the base's. 0 %"
                            + " would be nothing forgotten; below 0 %, the text became more"
                            + " likely.",
                        (c, s) -> interval(c, s, Measure.FORGETTING)));
        out.add(
                new Column(
                        "learned", "Numbers that learn.", (c, s) -> Figures.count(s.trainable())));
        out.add(
                new Column(
                        "file",
                        "Size of the adapter on disk.",
                        (c, s) -> Figures.bytes(s.fileBytes())));
        out.add(
                new Column(
                        "step",
                        "Median time of a training step, in the quickest run.",
                        (c, s) -> Figures.seconds(s.stepSeconds())));
        out.add(
                new Column(
                        "peak memory",
                        "Most memory that the whole program, base included, held while it trained.",
                        (c, s) -> s.peakBytes() == 0 ? "unknown" : Figures.bytes(s.peakBytes())));
        out.add(
                new Column(
                        "merge drift",
                        "Largest change of a token's log-probability when the adapter is merged"
                                + " into the weights, over a short text.",
                        (c, s) ->
                                s.drift()
                                        .map(d -> Figures.format("%.1e", d))
                                        .orElse("does not merge")));
        return out;
    }

    private static String rank(Comparison all, Standing s) {
        Ranking.Place place = all.by(Measure.HELD_OUT).place(s);
        return place.best() == place.worst()
                ? String.valueOf(place.best())
                : place.best() + "–" + place.worst();
    }

    private static String interval(Comparison all, Standing s, Measure measure) {
        return Figures.interval(measure, all.by(measure).place(s).mean());
    }

    static List<String> titles(Comparison all) {
        return of(all).stream().map(Column::title).toList();
    }

    static List<String> row(Comparison all, Standing standing) {
        return of(all).stream().map(c -> c.cell().of(all, standing)).toList();
    }
}
