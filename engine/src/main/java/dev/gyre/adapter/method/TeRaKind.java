package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.Settings;

import java.util.LinkedHashMap;
import java.util.Map;

/** TeRA in the registry. */
final class TeRaKind extends OwnKind {
    TeRaKind() {
        super(
                "tera",
                "learns diagonals of a random tensor network that equal shapes share",
                "beside",
                "");
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("scale", "1: factor on the update, above 0");
        s.put("key", "0: seed of the shared core and factors");
        return s;
    }

    @Override
    Method read(Settings s) {
        return new TeRa(
                s.real("scale", 1, 0, false, Double.POSITIVE_INFINITY), s.whole("key", 0, 0));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var own = (TeRa) method;
        return Map.of("scale", own.scale(), "key", own.key());
    }
}
