package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.all;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;
import static dev.gyre.tensor.kernel.Lanes.zero;

import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

import org.jspecify.annotations.Nullable;

/**
 * Root mean square normalisation of rows (arXiv 1910.07467, equation 4), one pass forward and one
 * back.
 *
 * <p>Shapes: x, y and their gradients [N, d]; weight [d]; scale [N, 1]. Asked for only where {@link
 * Kernels#fitNorm} says so.
 */
public final class RootMeanSquare {
    private RootMeanSquare() {}

    /**
     * y = w ⊙ x · scale with scale = 1/√(mean(x²) + ε).
     *
     * @param scale receives the rows' scales, [N, 1]
     */
    public static void normalise(Tensor x, Tensor weight, double eps, Tensor y, Tensor scale) {
        int d = (int) x.size(1);
        long row = 4L * d;
        long from = Lanes.address(x);
        long w = Lanes.address(weight);
        long to = Lanes.address(y);
        long scales = Lanes.address(scale);
        Workers.share(
                (int) x.size(0),
                (first, end) -> {
                    for (long n = first; n < end; n++) {
                        float s = (float) (1 / Math.sqrt(squares(from + n * row, row) / d + eps));
                        Lanes.set(scales + 4 * n, s);
                        scaled(from + n * row, w, s, to + n * row, row);
                    }
                });
    }

    /** As {@link #normalise} with scales that are known. */
    public static void normaliseAgain(Tensor x, Tensor scale, Tensor weight, Tensor y) {
        long row = 4 * x.size(1);
        long from = Lanes.address(x);
        long w = Lanes.address(weight);
        long to = Lanes.address(y);
        long scales = Lanes.address(scale);
        Workers.share(
                (int) x.size(0),
                (first, end) -> {
                    for (long n = first; n < end; n++)
                        scaled(from + n * row, w, Lanes.get(scales + 4 * n), to + n * row, row);
                });
    }

    private static double squares(long x, long bytes) {
        FloatVector a = zero();
        FloatVector b = zero();
        long j = 0;
        for (; j + 2 * BYTES <= bytes; j += 2 * BYTES) {
            FloatVector u = load(x + j);
            FloatVector v = load(x + j + BYTES);
            a = u.fma(u, a);
            b = v.fma(v, b);
        }
        for (; j < bytes; j += BYTES) {
            FloatVector u = load(x + j);
            a = u.fma(u, a);
        }
        return Lanes.sum(a.add(b));
    }

    private static void scaled(long x, long w, float scale, long y, long bytes) {
        FloatVector s = all(scale);
        for (long j = 0; j < bytes; j += BYTES) store(load(x + j).mul(s).mul(load(w + j)), y + j);
    }

    /**
     * dx = sofar + (g − x̂ · mean(g ⊙ x̂)) · scale, for g = w ⊙ dy and x̂ = x · scale.
     *
     * @param sofar what the gradient holds already; null for nothing; it may be dx
     */
    public static void back(
            Tensor x, Tensor scale, Tensor weight, Tensor dy, @Nullable Tensor sofar, Tensor dx) {
        int d = (int) x.size(1);
        long row = 4L * d;
        long in = Lanes.address(x);
        long w = Lanes.address(weight);
        long given = Lanes.address(dy);
        long to = Lanes.address(dx);
        long plus = sofar == null ? 0 : Lanes.address(sofar);
        long scales = Lanes.address(scale);
        Workers.share(
                (int) x.size(0),
                (first, end) -> {
                    for (long n = first; n < end; n++) {
                        float s = Lanes.get(scales + 4 * n);
                        long at = n * row;
                        float along = dot(in + at, w, given + at, row) * s * s / d * s;
                        backRow(
                                in + at,
                                w,
                                given + at,
                                s,
                                along,
                                plus == 0 ? 0 : plus + at,
                                to + at,
                                row);
                    }
                });
    }

    private static float dot(long x, long w, long dy, long bytes) {
        FloatVector sum = zero();
        for (long j = 0; j < bytes; j += BYTES)
            sum = load(x + j).mul(load(w + j)).fma(load(dy + j), sum);
        return Lanes.sum(sum);
    }

    private static void backRow(
            long x, long w, long dy, float scale, float along, long sofar, long dx, long bytes) {
        FloatVector s = all(scale);
        FloatVector a = all(-along);
        for (long j = 0; j < bytes; j += BYTES) {
            FloatVector v = load(dy + j).mul(load(w + j)).mul(s);
            v = load(x + j).fma(a, v);
            if (sofar == 0) store(v, dx + j);
            else store(v.add(load(sofar + j)), dx + j);
        }
    }
}
