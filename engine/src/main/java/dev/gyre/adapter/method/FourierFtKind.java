package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** FourierFT in the registry: its settings, and its keys in PEFT's files. */
final class FourierFtKind implements MethodKind {
    @Override
    public String name() {
        return "fourierft";
    }

    @Override
    public String peftType() {
        return "FOURIERFT";
    }

    @Override
    public String summary() {
        return "adds a matrix with a few learned frequencies beside frozen weights";
    }

    @Override
    public String count() {
        return "frequencies";
    }

    @Override
    public String parts() {
        return "beside";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("frequencies", "1000: learned numbers a slot");
        s.put("scale", "150: factor on the added matrix, above 0");
        s.put("seed", "777: of the frequencies' places");
        s.put("start", "zero: or normal, PEFT's default, which does not start as the base");
        s.put("frequency_pattern", "{}: frequencies by module name or regular expression");
        return s;
    }

    @Override
    public Method of(Settings s) {
        var fourier =
                new FourierFt(
                        s.whole("frequencies", 1000, 1),
                        s.real("scale", 150, 0, false, Double.POSITIVE_INFINITY),
                        s.whole("seed", 777, 0),
                        s.numbers("frequency_pattern"),
                        s.oneOf("start", "zero", List.of("zero", "normal")).equals("normal"));
        s.finish();
        return fourier;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of(
                "n_frequency",
                "n_frequency_pattern",
                "scaling",
                "random_loc_seed",
                "init_weights",
                "fan_in_fan_out",
                "bias");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        int frequencies = (int) c.wholeOr("n_frequency", 1000);
        if (frequencies < 1) throw c.need("n_frequency").wrong("a whole number from 1");
        var pattern = new LinkedHashMap<String, Double>();
        c.get("n_frequency_pattern")
                .ifPresent(map -> map.entries().forEach((k, v) -> pattern.put(k, v.real())));
        return new FourierFt(
                frequencies,
                c.realOr("scaling", 150),
                c.wholeOr("random_loc_seed", 777),
                pattern,
                !c.boolOr("init_weights", false));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var fourier = (FourierFt) method;
        var keys = new LinkedHashMap<String, Object>();
        var pattern = new LinkedHashMap<String, Object>();
        fourier.frequencyPattern().forEach((k, v) -> pattern.put(k, v.intValue()));
        keys.put("n_frequency", fourier.frequencies());
        keys.put("n_frequency_pattern", pattern);
        keys.put("scaling", fourier.scale());
        keys.put("random_loc_seed", fourier.seed());
        keys.put("init_weights", !fourier.random());
        keys.put("fan_in_fan_out", false);
        return keys;
    }
}
