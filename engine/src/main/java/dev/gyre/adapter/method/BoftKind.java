package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** BOFT in the registry: its settings, and its keys in PEFT's files. */
final class BoftKind implements MethodKind {
    @Override
    public String name() {
        return "boft";
    }

    @Override
    public String peftType() {
        return "BOFT";
    }

    @Override
    public String summary() {
        return "rotates the inputs of frozen weights by a butterfly of blocks, and scales outputs";
    }

    @Override
    public String count() {
        return "factors * in * block + out";
    }

    @Override
    public String parts() {
        return "before + after";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("block", "8: size of a block; divides the input width");
        s.put("blocks", "(none): number of blocks, instead of block");
        s.put("factors", "1: factors of the butterfly; 2^(factors-1) divides the number of blocks");
        s.put("dropout", "0: share of one factor's blocks left out at each training step");
        return s;
    }

    @Override
    public Method of(Settings s) {
        int blocks = s.whole("blocks", 0, 1);
        var boft =
                new Boft(
                        s.whole("block", blocks == 0 ? 8 : 0, 1),
                        blocks,
                        s.whole("factors", 1, 1),
                        s.real("dropout", 0, 0, true, 1),
                        false);
        s.finish();
        return boft;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of(
                "boft_block_size",
                "boft_block_num",
                "boft_n_butterfly_factor",
                "boft_dropout",
                "init_weights",
                "fan_in_fan_out",
                "bias");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        int factors = (int) c.wholeOr("boft_n_butterfly_factor", 1);
        if (factors < 1) throw c.need("boft_n_butterfly_factor").wrong("a whole number from 1");
        return new Boft(
                (int) c.wholeOr("boft_block_size", 4),
                (int) c.wholeOr("boft_block_num", 0),
                factors,
                c.realOr("boft_dropout", 0),
                !c.boolOr("init_weights", true));
    }

    /** PEFT without its CUDA extension makes one factor, whatever its configuration says. */
    @Override
    public Method fitted(Method method, Map<String, long[]> shapes, Reading reading) {
        var boft = (Boft) method;
        int found =
                shapes.entrySet().stream()
                        .filter(e -> e.getKey().endsWith(".boft_R") && e.getValue().length == 4)
                        .mapToInt(e -> (int) e.getValue()[0])
                        .findFirst()
                        .orElse(boft.factors());
        if (found == boft.factors() || found < 1) return boft;
        reading.warn()
                .accept(
                        ("the configuration says boft_n_butterfly_factor = %d, the tensors have %d;"
                                        + " the tensors are believed (PEFT makes one factor where"
                                        + " its CUDA extension is missing)")
                                .formatted(boft.factors(), found));
        return new Boft(boft.block(), boft.blocks(), found, boft.dropout(), boft.random());
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var boft = (Boft) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("boft_block_size", boft.block());
        keys.put("boft_block_num", boft.blocks());
        keys.put("boft_n_butterfly_factor", boft.factors());
        keys.put("boft_dropout", boft.dropout());
        keys.put("init_weights", !boft.random());
        keys.put("fan_in_fan_out", false);
        return keys;
    }
}
