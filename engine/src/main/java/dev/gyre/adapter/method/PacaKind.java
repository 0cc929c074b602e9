package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** PaCA in the registry; its files are those of its authors' fork of PEFT. */
final class PacaKind implements MethodKind {
    @Override
    public String name() {
        return "paca";
    }

    @Override
    public String peftType() {
        return "PACA";
    }

    @Override
    public boolean inPeft() {
        return false;
    }

    @Override
    public String summary() {
        return "learns a few columns of every weight";
    }

    @Override
    public String count() {
        return "rank * out";
    }

    @Override
    public String parts() {
        return "beside";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("rank", "16: number of columns, at most the input width");
        s.put("alpha", "(the rank): a step on a column is alpha/rank times the learning rate's");
        s.put("seed", "0: of the choice of columns");
        return s;
    }

    @Override
    public Method of(Settings s) {
        int rank = s.whole("rank", 16, 1);
        var paca =
                new Paca(
                        rank,
                        s.real("alpha", rank, 0, false, Double.POSITIVE_INFINITY),
                        s.whole("seed", 0, 0));
        s.finish();
        return paca;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of("r", "paca_alpha", "seed", "bias", "fan_in_fan_out");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        int rank = PeftNumbers.rank(c, "r", 8);
        return new Paca(rank, c.realOr("paca_alpha", 8), c.wholeOr("seed", 0));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var paca = (Paca) method;
        return Map.of("r", paca.rank(), "paca_alpha", paca.alpha(), "seed", paca.seed());
    }
}
