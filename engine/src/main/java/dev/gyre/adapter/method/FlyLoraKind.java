package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.Settings;

import java.util.LinkedHashMap;
import java.util.Map;

/** FlyLoRA in the registry; PEFT does not have it. */
final class FlyLoraKind extends OwnKind {
    FlyLoraKind() {
        super(
                "flylora",
                "LoRA with a frozen sparse A that picks, for each token, which columns of B act",
                "gated",
                "rank * out");
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("rank", "32: columns of B");
        s.put("active", "8: columns that act on a token, at most the rank");
        s.put("alpha", "(twice the rank): numerator of the scale alpha/rank");
        s.put("balance", "1e-3: how far a step moves the choice towards idle columns, 0 or more");
        return s;
    }

    @Override
    Method read(Settings s) {
        int rank = s.whole("rank", 32, 1);
        return new FlyLora(
                rank,
                s.whole("active", Math.min(8, rank), 1),
                s.real("alpha", 2.0 * rank, 0, false, Double.POSITIVE_INFINITY),
                s.real("balance", 1e-3, 0, true, Double.POSITIVE_INFINITY));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var own = (FlyLora) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("rank", own.rank());
        keys.put("active", own.active());
        keys.put("alpha", own.alpha());
        keys.put("balance", own.balance());
        return keys;
    }
}
