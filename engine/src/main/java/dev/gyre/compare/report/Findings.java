package dev.gyre.compare.report;

import dev.gyre.compare.Comparison;
import dev.gyre.compare.EqualQuality;
import dev.gyre.compare.Measure;
import dev.gyre.compare.Ranking;
import dev.gyre.compare.Rates;
import dev.gyre.compare.Standing;

import java.util.ArrayList;
import java.util.List;

/** What a comparison found, in sentences. */
final class Findings {
    private Findings() {}

    static List<String> of(Comparison all) {
        var out = new ArrayList<String>();
        if (all.standings().stream().noneMatch(Standing::ranked)) {
            out.add("Every run diverged, so there is nothing to rank; try smaller --rates.");
            return out;
        }
        out.add(quality(all));
        if (all.rankings().containsKey(Measure.EXACT)) out.add(exact(all));
        out.add(forgetting(all));
        if (all.by(Measure.HELD_OUT).order().size() > 1) out.add(equal(all));
        return out;
    }

    private static String quality(Comparison all) {
        Ranking ranking = all.by(Measure.HELD_OUT);
        var first = ranking.order().getFirst();
        return "Quality: "
                + first.standing().name()
                + " has the lowest held-out loss, "
                + Figures.interval(Measure.HELD_OUT, first.mean())
                + "; the base alone has "
                + Figures.value(Measure.HELD_OUT, all.baseValue(Measure.HELD_OUT))
                + "."
                + surely(ranking);
    }

    private static String exact(Comparison all) {
        Ranking ranking = all.by(Measure.EXACT);
        var first = ranking.order().getFirst();
        if (ranking.order().size() > 1 && ranking.level())
            return "Exact answers: all methods have as many, "
                    + Figures.value(Measure.EXACT, first.mean().mean())
                    + "; the base alone "
                    + Figures.value(Measure.EXACT, all.baseValue(Measure.EXACT))
                    + ".";
        return "Exact answers: "
                + first.standing().name()
                + " has the most, "
                + Figures.interval(Measure.EXACT, first.mean())
                + "; the base alone "
                + Figures.value(Measure.EXACT, all.baseValue(Measure.EXACT))
                + "."
                + surely(ranking);
    }

    private static String forgetting(Comparison all) {
        Ranking ranking = all.by(Measure.FORGETTING);
        var first = ranking.order().getFirst();
        return "Forgetting: "
                + first.standing().name()
                + " changes the perplexity of general text the least, by "
                + Figures.interval(Measure.FORGETTING, first.mean())
                + Figures.format(" of the base's %.2f.", all.basePerplexity())
                + surely(ranking);
    }

    /** What of the first place is more than chance. */
    private static String surely(Ranking ranking) {
        var first = ranking.order().getFirst().standing();
        if (ranking.order().size() == 1) return "";
        if (!ranking.order().stream().allMatch(p -> p.standing().runs().size() > 1))
            return " With one seed nothing can be said about chance.";
        List<String> like = ranking.like(first).stream().map(Standing::name).toList();
        if (like.isEmpty()) return " That is more than chance against every other method.";
        if (like.size() == ranking.order().size() - 1)
            return " It cannot be told apart from any other method.";
        return " It cannot be told apart from " + Figures.list(like) + "; from the others it can.";
    }

    private static String equal(Comparison all) {
        EqualQuality first = all.equalQuality().getFirst();
        return "At equal quality: " + equal(first);
    }

    /** Two methods at one held-out loss. */
    static String equal(EqualQuality e) {
        String there =
                e.bounded()
                        ? " between its rates forgets "
                        : " is better even at its lowest rate, where it forgets ";
        return "at a held-out loss of "
                + Figures.value(Measure.HELD_OUT, e.loss())
                + ", the best of "
                + e.worse().name()
                + ", that forgets "
                + Figures.change(e.worseRise())
                + ", while "
                + e.better().name()
                + there
                + Figures.change(e.betterRise())
                + ".";
    }

    /** What a reader should know of one method's row. */
    static List<String> notes(Standing s) {
        var out = new ArrayList<String>();
        if (!s.ranked()) {
            out.add("every run diverged");
            return out;
        }
        if (s.place() == Rates.Place.HIGHEST)
            out.add("its best rate is the highest tried: a higher one may be better");
        if (s.place() == Rates.Place.LOWEST)
            out.add("its best rate is the lowest tried: a lower one may be better");
        if (s.diverged() > 0) out.add(s.diverged() + " of its runs at the best rate diverged");
        long gone = s.tried().stream().filter(t -> Double.isInfinite(t.loss())).count();
        if (gone > 0)
            out.add(gone + (gone == 1 ? " of the rates tried diverged" : " of the rates diverged"));
        return out;
    }
}
