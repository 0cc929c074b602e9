package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** HRA in the registry: its settings, and its keys in PEFT's files. */
final class HraKind implements MethodKind {
    @Override
    public String name() {
        return "hra";
    }

    @Override
    public String peftType() {
        return "HRA";
    }

    @Override
    public String summary() {
        return "reflects the inputs of frozen weights along a few learned directions";
    }

    @Override
    public String count() {
        return "rank * in";
    }

    @Override
    public String parts() {
        return "before";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("rank", "8: number of reflections; even, so that they cancel in pairs at the start");
        s.put("orthogonal", "false: make the directions orthogonal; does not start as the base");
        return s;
    }

    @Override
    public Method of(Settings s) {
        int rank = s.whole("rank", 8, 1);
        boolean orthogonal = s.flag("orthogonal", false);
        if (rank % 2 != 0 && !orthogonal)
            throw new UserError(
                    "method hra: rank must be even, so that the reflections cancel in pairs at the"
                            + " start, not "
                            + rank);
        s.finish();
        return new Hra(rank, orthogonal, false);
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of("r", "apply_GS", "init_weights", "bias");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        int rank = PeftNumbers.rank(c, "r", 8);
        return new Hra(rank, c.boolOr("apply_GS", false), !c.boolOr("init_weights", true));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var hra = (Hra) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", hra.rank());
        keys.put("apply_GS", hra.gramSchmidt());
        keys.put("init_weights", !hra.random());
        return keys;
    }
}
