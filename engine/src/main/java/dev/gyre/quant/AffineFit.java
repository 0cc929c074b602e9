package dev.gyre.quant;

/**
 * Fits x ≈ scale·q − min in each of a super-block's eight sub-blocks of 32, q from 0 to {@code
 * top}, by weighted least squares with weights √(mean x²) + |x|: from q of the plain range, then of
 * {@code steps} + 1 other steps ({@code first} + 0.1 i + top) / (max − min), the best that is
 * found. The eight scales and minima are then rounded to six bits, and q to what is nearest under
 * these.
 */
final class AffineFit {
    private static final int SUB = 32;
    private static final int SUBS = 8;

    private final int top;
    private final float first;
    private final int steps;

    private final float[] weights = new float[SUB];
    private final byte[] tried = new byte[SUB];
    private final byte[] levels = new byte[SUB * SUBS];
    private final float[] scales = new float[SUBS];
    private final float[] mins = new float[SUBS];

    AffineFit(int top, float first, int steps) {
        this.top = top;
        this.first = first;
        this.steps = steps;
    }

    /**
     * The levels of 256 numbers; d, dmin and the six-bit pairs go to {@code out} from {@code at}.
     */
    byte[] levels(float[] in, int from, byte[] out, int at) {
        float mostScale = 0;
        float mostMin = 0;
        for (int j = 0; j < SUBS; j++) {
            fit(in, from + SUB * j, j);
            mostScale = Math.max(mostScale, scales[j]);
            mostMin = Math.max(mostMin, mins[j]);
        }
        Little.f16(out, at, mostScale / 63);
        Little.f16(out, at + 2, mostMin / 63);
        float perScale = mostScale > 0 ? 63 / mostScale : 0;
        float perMin = mostMin > 0 ? 63 / mostMin : 0;
        for (int j = 0; j < SUBS; j++)
            SixBits.put(out, at + 4, j, sixBits(perScale * scales[j]), sixBits(perMin * mins[j]));
        for (int j = 0; j < SUBS; j++) {
            float d = Little.f16(out, at) * SixBits.scale(out, at + 4, j);
            float min = Little.f16(out, at + 2) * SixBits.min(out, at + 4, j);
            if (d == 0) continue;
            for (int l = 0; l < SUB; l++)
                levels[SUB * j + l] = level((in[from + SUB * j + l] + min) / d);
        }
        return levels;
    }

    private static int sixBits(float value) {
        return Math.min(63, (int) Math.rint(value));
    }

    private byte level(float q) {
        return (byte) Math.max(0, Math.min(top, (int) Math.rint(q)));
    }

    /** One sub-block: its scale, its min, and levels that are kept where its scale rounds to 0. */
    private void fit(float[] in, int from, int j) {
        float squares = 0;
        for (int l = 0; l < SUB; l++) squares += in[from + l] * in[from + l];
        float mean = (float) Math.sqrt(squares / SUB);
        float lo = in[from];
        float hi = in[from];
        float sw = 0;
        float sx = 0;
        for (int l = 0; l < SUB; l++) {
            float x = in[from + l];
            weights[l] = mean + Math.abs(x);
            if (x < lo) lo = x;
            if (x > hi) hi = x;
            sw += weights[l];
            sx += weights[l] * x;
        }
        if (lo > 0) lo = 0;
        if (hi == lo) {
            java.util.Arrays.fill(levels, SUB * j, SUB * (j + 1), (byte) 0);
            scales[j] = 0;
            mins[j] = -lo;
            return;
        }
        float inverse = top / (hi - lo);
        float scale = 1 / inverse;
        for (int l = 0; l < SUB; l++) tried[l] = level(inverse * (in[from + l] - lo));
        System.arraycopy(tried, 0, levels, SUB * j, SUB);
        float best = error(in, from, scale, lo);
        for (int i = 0; i <= steps; i++) {
            inverse = (first + 0.1f * i + top) / (hi - lo);
            float sl = 0;
            float sl2 = 0;
            float sxl = 0;
            for (int l = 0; l < SUB; l++) {
                float x = in[from + l];
                byte q = level(inverse * (x - lo));
                tried[l] = q;
                float wq = weights[l] * q;
                sl += wq;
                sl2 += wq * q;
                sxl += wq * x;
            }
            float d = sw * sl2 - sl * sl;
            if (!(d > 0)) continue;
            float scaleNow = (sw * sxl - sx * sl) / d;
            float loNow = (sl2 * sx - sl * sxl) / d;
            if (loNow > 0) {
                loNow = 0;
                scaleNow = sxl / sl2;
            }
            float error = error(in, from, scaleNow, loNow);
            if (error < best) {
                System.arraycopy(tried, 0, levels, SUB * j, SUB);
                best = error;
                scale = scaleNow;
                lo = loNow;
            }
        }
        scales[j] = scale;
        mins[j] = -lo;
    }

    private float error(float[] in, int from, float scale, float lo) {
        float sum = 0;
        for (int l = 0; l < SUB; l++) {
            float off = scale * tried[l] + lo - in[from + l];
            sum += weights[l] * (off * off);
        }
        return sum;
    }
}
