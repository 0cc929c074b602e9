package dev.gyre.quant;

import java.util.Arrays;

/**
 * The signed dynamic map of Dettmers et al. (arXiv 2110.02861): 256 numbers in [−1, 1], denser
 * towards 0. For i = 0..6 the 2^i midpoints of {@code linspace(0.1, 1, 2^i + 1)} times 10^(i−6),
 * both signs, with 0 and 1; a number takes the nearest, the lower of two as near. In f32 as torch
 * computes it.
 */
final class DynamicMap {
    private static final int EXPONENTS = 7;

    private static final float[] VALUES = values();

    private DynamicMap() {}

    private static float[] values() {
        float[] all = new float[256];
        int n = 0;
        for (int i = 0; i < EXPONENTS; i++) {
            float[] edges = linspace((1 << i) + 1);
            float power = (float) Math.pow(10, i - (EXPONENTS - 1));
            for (int k = 0; k < 1 << i; k++) {
                float mean = (edges[k] + edges[k + 1]) / 2 * power;
                all[n++] = mean;
                all[n++] = -mean;
            }
        }
        all[n++] = 0;
        all[n] = 1;
        Arrays.sort(all);
        return all;
    }

    /** From 0.1 to 1, each half counted from its own end. */
    private static float[] linspace(int count) {
        float[] out = new float[count];
        float step = (1 - 0.1f) / (count - 1);
        for (int i = 0; i < count; i++)
            out[i] = i < count / 2 ? Math.fma(step, i, 0.1f) : Math.fma(-step, count - 1 - i, 1f);
        return out;
    }

    /** A copy of the map, ascending. */
    static float[] map() {
        return VALUES.clone();
    }

    /** The index of the nearest. */
    static int index(float value) {
        int at = Arrays.binarySearch(VALUES, value);
        if (at >= 0) return at;
        int above = -at - 1;
        if (above == 0) return 0;
        if (above == VALUES.length) return VALUES.length - 1;
        double middle = ((double) VALUES[above - 1] + VALUES[above]) / 2;
        return value > middle ? above : above - 1;
    }
}
