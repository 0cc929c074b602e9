package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.Settings;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** QWHA in the registry: its settings, which are also its keys in files. */
final class QwhaKind extends OwnKind {
    static final String ENCODING = "encoding";

    QwhaKind() {
        super(
                "qwha",
                "learns a sparse Walsh-Hadamard spectrum that starts at what the base's encoding"
                        + " lost",
                "beside",
                "rank * (in + out)");
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("rank", "16: as many entries as LoRA of this rank has numbers");
        s.put("scale", "4000: an entry of 1 adds scale/(in * sqrt(out)) to weights, either sign");
        s.put("start", "error: undo what the base's encoding lost; or zero, on any base");
        s.put("examples", "64: training examples whose inputs weigh the error, from 0");
        s.put("seed", "777: of random places, which start = zero has");
        s.put(ENCODING, "(the base's): what the base must be encoded as");
        return s;
    }

    @Override
    Method read(Settings s) {
        return new Qwha(
                s.whole("rank", 16, 1),
                s.real("scale", 4000, 0, false, Double.POSITIVE_INFINITY),
                s.oneOf("start", "error", List.of("error", "zero")).equals("zero"),
                s.whole("examples", 64, 0),
                s.whole("seed", 777, 0),
                s.words(ENCODING, List.of()));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var own = (Qwha) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("rank", own.rank());
        keys.put("scale", own.scale());
        keys.put("start", own.zero() ? "zero" : "error");
        keys.put("examples", own.examples());
        keys.put("seed", own.seed());
        keys.put(ENCODING, own.encodings());
        return keys;
    }
}
