package dev.gyre.compare.report;

import dev.gyre.compare.Comparison;
import dev.gyre.compare.Ranking;
import dev.gyre.compare.Result;
import dev.gyre.compare.Standing;
import dev.gyre.config.Bind;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A comparison with all its numbers, for programs. */
final class Numbers {
    private Numbers() {}

    static Map<String, @Nullable Object> of(Comparison all) {
        var out = new LinkedHashMap<String, @Nullable Object>();
        out.put("plan", Bind.plain(all.plan()));
        out.put("machine", all.bench().machine());
        out.put("findings", Findings.of(all));
        out.put("methods", all.standings().stream().map(Numbers::method).toList());
        var rankings = new LinkedHashMap<String, @Nullable Object>();
        all.rankings()
                .forEach((m, r) -> rankings.put(m.name().toLowerCase(Locale.ROOT), ranking(r)));
        out.put("rankings", rankings);
        out.put("base", Result.plain(all.base()));
        out.put("runs", all.results().stream().map(Result::plain).toList());
        return out;
    }

    private static Map<String, @Nullable Object> method(Standing s) {
        var out = new LinkedHashMap<String, @Nullable Object>();
        out.put("method", s.name());
        out.put("rate", s.ranked() ? s.rate() : null);
        out.put("seeds", s.runs().size());
        out.put("diverged", s.diverged());
        out.put("notes", Findings.notes(s));
        return out;
    }

    /** Places and pairs; an interval is null where one seed says nothing of chance. */
    private static Map<String, @Nullable Object> ranking(Ranking ranking) {
        var places =
                ranking.order().stream()
                        .map(
                                p -> {
                                    var out = new LinkedHashMap<String, @Nullable Object>();
                                    boolean known = !Double.isInfinite(p.mean().error());
                                    out.put("method", p.standing().name());
                                    out.put("mean", p.mean().mean());
                                    out.put("low", known ? p.mean().low() : null);
                                    out.put("high", known ? p.mean().high() : null);
                                    out.put("best_rank", p.best());
                                    out.put("worst_rank", p.worst());
                                    return out;
                                })
                        .toList();
        List<Map<String, Object>> pairs =
                ranking.pairs().stream()
                        .map(
                                p ->
                                        Map.<String, Object>of(
                                                "a", p.a().name(),
                                                "b", p.b().name(),
                                                "chance", p.difference().chance(),
                                                "apart", p.apart()))
                        .toList();
        var out = new LinkedHashMap<String, @Nullable Object>();
        out.put("places", places);
        out.put("pairs", pairs);
        return out;
    }
}
