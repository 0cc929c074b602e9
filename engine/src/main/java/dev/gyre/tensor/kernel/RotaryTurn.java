package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

/**
 * Rotary positions (arXiv 2104.09864, section 3.2.2) in the half-split layout: feature i of each
 * head turns with feature i + D/2.
 *
 * <p>Shapes: x, y [N, H, D]; cos and sin of the rows' angles [N, 1, D/2]. Asked for only where
 * {@link Kernels#fitTurn} says so.
 */
public final class RotaryTurn {
    private RotaryTurn() {}

    /**
     * y = x turned.
     *
     * @param back by the opposite angles; a head's halves (a, b) turn back as (b, a) turns, so that
     *     the loop needs no sign, whose branch the compiler would guess from the forward pass
     */
    public static void turn(Tensor x, Tensor cos, Tensor sin, boolean back, Tensor y) {
        int heads = (int) x.size(1);
        long half = 2 * x.size(2);
        long from = Lanes.address(x);
        long to = Lanes.address(y);
        long c = Lanes.address(cos);
        long s = Lanes.address(sin);
        long left = back ? half : 0;
        long right = half - left;
        Workers.share(
                (int) x.size(0),
                (first, end) -> {
                    for (long n = first; n < end; n++) {
                        for (int h = 0; h < heads; h++) {
                            long at = (n * heads + h) * 2 * half;
                            one(from + at, c + n * half, s + n * half, left, right, to + at, half);
                        }
                    }
                });
    }

    private static void one(long x, long cos, long sin, long left, long right, long y, long half) {
        for (long j = 0; j < half; j += BYTES) {
            FloatVector c = load(cos + j);
            FloatVector s = load(sin + j);
            FloatVector a = load(x + left + j);
            FloatVector b = load(x + right + j);
            store(a.mul(c).sub(b.mul(s)), y + left + j);
            store(b.mul(c).add(a.mul(s)), y + right + j);
        }
    }
}
