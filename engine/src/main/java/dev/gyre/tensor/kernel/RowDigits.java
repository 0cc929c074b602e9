package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.all;
import static dev.gyre.tensor.kernel.Lanes.load;

import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of numbers as two rows of unsigned 8-bit digits each, x ≈ a (u − 128) + a/254 (v − 128) with
 * a = max|x| / 127 of the row: the first digit is x rounded (vector-wise quantisation, arXiv
 * 2208.07339, section 2), the second what the first leaves. Two products of small integers then
 * stand for one whose rows have 16 bits, which keeps what a few large activations would crush.
 * Asked for only where {@link Kernels#fitDigits} says so.
 */
public final class RowDigits {
    /** Steps of the second digit in one of the first; so it lies within ±127. */
    public static final int STEPS = 254;

    private static final VectorSpecies<Byte> DIGITS =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(8 * Math.max(8, COUNT)));

    private static final float ROUND = 12582912f; // 1.5 · 2²³: adding it rounds to whole numbers
    private static final int ZERO_POINT = 128;

    private RowDigits() {}

    /**
     * Writes digits and scales.
     *
     * @param x [N, d]
     * @param factors of the columns, [d], taken before anything else
     * @param digits [2N, d], U8: all first digits, then all second ones; or [N, d], the first alone
     * @param scales a of each row, [N]; not a number where the row holds one that is not finite
     */
    public static void split(Tensor x, Tensor factors, Tensor digits, Tensor scales) {
        int rows = Math.toIntExact(x.size(0));
        int width = Math.toIntExact(x.size(1));
        long from = Lanes.address(x);
        long by = Lanes.address(factors);
        long to = Lanes.address(digits);
        long scale = Lanes.address(scales);
        boolean second = digits.size(0) > rows;
        long apart = (long) rows * width;
        Workers.share(
                rows,
                (first, end) -> {
                    for (int r = first; r < end; r++) {
                        long row = from + 4L * r * width;
                        float a = scale(row, by, width);
                        Lanes.set(scale + 4L * r, a);
                        if (second) split(row, by, to + (long) r * width, apart, a, width);
                        else round(row, by, to + (long) r * width, a, width);
                    }
                });
    }

    private static float scale(long x, long by, int width) {
        FloatVector most = Lanes.zero();
        FloatVector bad = Lanes.zero();
        for (long j = 0; j < 4L * width; j += BYTES) {
            FloatVector v = load(x + j).mul(load(by + j));
            most = v.abs().max(most);
            // 0 · v is 0, or not a number where v is not finite; max may pass over such.
            bad = v.fma(Lanes.zero(), bad);
        }
        return most.reduceLanes(VectorOperators.MAX) / 127 + bad.reduceLanes(VectorOperators.ADD);
    }

    private static FloatVector inverse(float a) {
        return all(a >= Float.MIN_NORMAL ? 1 / a : 0);
    }

    private static void round(long x, long by, long to, float a, int width) {
        FloatVector inverse = inverse(a);
        for (int j = 0; j < width; j += COUNT) {
            FloatVector v = load(x + 4L * j).mul(load(by + 4L * j));
            store(v.fma(inverse, all(ROUND)), to + j);
        }
    }

    private static void split(long x, long by, long to, long apart, float a, int width) {
        FloatVector inverse = inverse(a);
        for (int j = 0; j < width; j += COUNT) {
            FloatVector v = load(x + 4L * j).mul(load(by + 4L * j)).mul(inverse);
            FloatVector first = v.add(ROUND);
            store(first, to + j);
            FloatVector rest = v.sub(first.sub(ROUND));
            store(rest.fma(all(STEPS), all(ROUND)), to + apart + j);
        }
    }

    /** A rounded number's whole part lies in its low bits, as a two's complement. */
    private static void store(FloatVector rounded, long to) {
        var whole = rounded.reinterpretAsInts().add(ZERO_POINT);
        Lanes.store((ByteVector) whole.convertShape(VectorOperators.I2B, DIGITS, 0), to);
    }

    /**
     * y = a (first + second / 254), row by row; a · first where there is no second.
     *
     * @param products of the digits, [2N, m] or [N, m]
     * @param scales a of each row, [N]
     * @param y [N, m]
     */
    public static void join(Tensor products, Tensor scales, Tensor y) {
        int rows = Math.toIntExact(y.size(0));
        long width = 4 * y.size(1);
        long first = Lanes.address(products);
        long apart = products.size(0) > rows ? rows * width : 0;
        long to = Lanes.address(y);
        long scale = Lanes.address(scales);
        Workers.share(
                rows,
                (from, end) -> {
                    for (int r = from; r < end; r++) {
                        FloatVector a = all(Lanes.get(scale + 4L * r));
                        FloatVector b = a.mul(1f / STEPS);
                        for (long j = r * width; j < (r + 1) * width; j += BYTES) {
                            FloatVector v = load(first + j).mul(a);
                            if (apart == 0) Lanes.store(v, to + j);
                            else Lanes.store(load(first + apart + j).fma(b, v), to + j);
                        }
                    }
                });
    }
}
