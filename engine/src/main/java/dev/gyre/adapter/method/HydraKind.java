package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Hydra in the registry; PEFT does not have it. */
final class HydraKind implements MethodKind {
    @Override
    public String name() {
        return "hydra";
    }

    @Override
    public String peftType() {
        return "HYDRA";
    }

    @Override
    public boolean inPeft() {
        return false;
    }

    @Override
    public String summary() {
        return "adds one low-rank product of the input and one of the output of frozen weights";
    }

    @Override
    public String count() {
        return "parallel * (in + out) + 2 * sequential * out";
    }

    @Override
    public String parts() {
        return "after + beside";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("parallel", "4: rank of the branch that reads the input; 0 for none");
        s.put("sequential", "8: rank of the branch that reads the output; 0 for none");
        s.put("scale", "1: factor on both branches, above 0");
        return s;
    }

    @Override
    public Method of(Settings s) {
        var hydra =
                new Hydra(
                        s.whole("parallel", 4, 0),
                        s.whole("sequential", 8, 0),
                        s.real("scale", 1, 0, false, Double.POSITIVE_INFINITY));
        s.finish();
        return hydra;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of("par_r", "seq_r", "scaling");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        return new Hydra(
                (int) c.wholeOr("par_r", 4), (int) c.wholeOr("seq_r", 8), c.realOr("scaling", 1));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var hydra = (Hydra) method;
        return Map.of(
                "par_r", hydra.parallel(), "seq_r", hydra.sequential(), "scaling", hydra.scale());
    }
}
