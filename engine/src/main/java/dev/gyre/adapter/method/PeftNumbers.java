package dev.gyre.adapter.method;

import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.LinkedHashMap;
import java.util.Map;

/** Numbers of PEFT's configurations, checked. */
final class PeftNumbers {
    private PeftNumbers() {}

    static int rank(Tree c, String key, int otherwise) {
        int rank = (int) c.wholeOr(key, otherwise);
        if (rank < 1)
            throw new UserError(c.where() + ": " + key + " must be 1 or more, not " + rank);
        return rank;
    }

    /** A map from patterns to numbers. */
    static Map<String, Double> byPattern(Tree c, String key) {
        var out = new LinkedHashMap<String, Double>();
        c.get(key).ifPresent(map -> map.entries().forEach((k, v) -> out.put(k, v.real())));
        return out;
    }

    /** Whole numbers are written as whole numbers, as PEFT's users write them. */
    static Object plain(double value) {
        return value == Math.rint(value) ? (Object) (long) value : (Object) value;
    }
}
