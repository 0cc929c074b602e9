package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.all;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.set;
import static dev.gyre.tensor.kernel.Lanes.store;

import jdk.incubator.vector.FloatVector;

/** The softmax of a row of scores of which only the first ones count, and its gradient. */
final class MaskedSoftmax {
    /** Below it a share is 0. */
    private static final float LEAST = -60;

    private static final FloatVector LEAST_SHARE = Lanes.expInRange(all(LEAST));

    private MaskedSoftmax() {}

    /**
     * p ← softmax(scale · p) of the first {@code count} numbers, zeros behind them.
     *
     * @param end bytes of the row, whole vectors
     */
    static void forward(long p, int count, long end, float scale) {
        hide(p, count, end);
        float most = Lanes.most(p, end) * scale;
        float sum = exponentials(p, end, scale, most);
        Lanes.scale(p, end, 1 / sum);
    }

    /**
     * The gradient at the scores.
     *
     * @param p the softmax, as {@link #forward} wrote it
     * @param d the gradient at p, and then that at the scores
     */
    static void backward(long p, long d, long end, float scale) {
        FloatVector s = all(scale);
        FloatVector minus = all(-Lanes.dot(p, d, end));
        for (long j = 0; j < end; j += BYTES)
            store(load(d + j).add(minus).mul(load(p + j)).mul(s), d + j);
    }

    /** Minus infinity behind the first numbers of a row. */
    private static void hide(long p, int count, long end) {
        long j = 4L * count;
        for (; j < end && j % BYTES != 0; j += 4) set(p + j, Float.NEGATIVE_INFINITY);
        FloatVector v = all(Float.NEGATIVE_INFINITY);
        for (; j < end; j += BYTES) store(v, p + j);
    }

    /**
     * e^x, and 0 below {@link #LEAST}: so small a share changes no sum, but its products would be
     * below the normal numbers, with which processors compute a hundred times slower.
     */
    private static FloatVector share(FloatVector x) {
        return Lanes.expInRange(Lanes.atLeast(x, LEAST)).sub(LEAST_SHARE);
    }

    /** p ← e^(scale · p − low); their sum. */
    private static float exponentials(long p, long end, float scale, float low) {
        FloatVector s = all(scale);
        FloatVector minus = all(-low);
        FloatVector sum = Lanes.zero();
        for (long j = 0; j < end; j += BYTES) {
            FloatVector e = share(load(p + j).fma(s, minus));
            store(e, p + j);
            sum = e.add(sum);
        }
        return Lanes.sum(sum);
    }
}
