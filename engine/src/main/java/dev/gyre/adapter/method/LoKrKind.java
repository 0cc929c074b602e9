package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** LoKr in the registry: its settings, and its keys in PEFT's files. */
final class LoKrKind extends Lycoris {
    LoKrKind() {
        super("lokr", "LOKR", "a Kronecker product of a small matrix with a low-rank one");
    }

    @Override
    void describe(Map<String, String> s) {
        s.put("factor", "-1: rows and columns of the left factor; -1 for near the widths' roots");
        s.put("decompose_both", "false: the left factor too may be of low rank");
    }

    @Override
    Method of(int rank, double alpha, Settings s) {
        int factor = s.whole("factor", -1, -1);
        if (factor == 0)
            throw new UserError("method lokr: factor must be -1 or a whole number from 1, not 0");
        return new LoKr(
                rank,
                alpha,
                factor,
                s.flag("decompose_both", false),
                s.numbers("rank_pattern"),
                s.numbers("alpha_pattern"));
    }

    @Override
    public Set<String> peftKeys() {
        var keys = new HashSet<>(KEYS);
        keys.addAll(List.of("decompose_both", "decompose_factor", "rank_dropout_scale"));
        return keys;
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        warnOfDropout(c, reading);
        return new LoKr(
                PeftNumbers.rank(c, "r", 8),
                c.realOr("alpha", 8),
                (int) c.wholeOr("decompose_factor", -1),
                c.boolOr("decompose_both", false),
                PeftNumbers.byPattern(c, "rank_pattern"),
                PeftNumbers.byPattern(c, "alpha_pattern"));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var own = (LoKr) method;
        var keys =
                new LinkedHashMap<>(
                        keys(own.rank(), own.alpha(), own.rankPattern(), own.alphaPattern()));
        keys.put("decompose_both", own.both());
        keys.put("decompose_factor", own.factor());
        keys.put("rank_dropout_scale", false);
        return keys;
    }
}
