package dev.gyre.quant;

import java.util.Arrays;

/**
 * Fits x ≈ scale·q in each of a super-block's sixteen sub-blocks of 16, q from −32 to 31, by least
 * squares with weights x²: from the step −32/v, v the number farthest from zero, and of eighteen
 * steps near it the best. The sixteen scales are then rounded to signed bytes, and q to what is
 * nearest under these.
 */
final class ScaleFit {
    private static final int SUB = 16;
    private static final int SUBS = 16;

    /** Below this the reference takes numbers for zero. */
    private static final float NOTHING = 1e-15f;

    private final byte[] levels = new byte[SUB * SUBS];
    private final byte[] tried = new byte[SUB];
    private final float[] scales = new float[SUBS];

    /** The levels of 256 numbers plus 32; sixteen scales and d go to {@code out}. */
    byte[] levels(float[] in, int from, byte[] out, int at) {
        float far = 0;
        for (int j = 0; j < SUBS; j++) {
            scales[j] = fit(in, from + SUB * j, j);
            if (Math.abs(scales[j]) > Math.abs(far)) far = scales[j];
        }
        if (Math.abs(far) < NOTHING) {
            Arrays.fill(levels, (byte) 0);
            return levels;
        }
        float inverse = -128 / far;
        Little.f16(out, at + SUBS, 1 / inverse);
        float rounded = Little.f16(out, at + SUBS);
        for (int j = 0; j < SUBS; j++) {
            out[at + j] = (byte) Math.min(127, (int) Math.rint(inverse * scales[j]));
            float d = rounded * out[at + j];
            if (d == 0) continue;
            for (int l = SUB * j; l < SUB * (j + 1); l++)
                levels[l] = (byte) (level(in[from + l] / d) + 32);
        }
        return levels;
    }

    private static byte level(float q) {
        return (byte) Math.max(-32, Math.min(31, (int) Math.rint(q)));
    }

    private float fit(float[] in, int from, int j) {
        float far = 0;
        for (int l = 0; l < SUB; l++)
            if (Math.abs(in[from + l]) > Math.abs(far)) far = in[from + l];
        if (Math.abs(far) < NOTHING) {
            Arrays.fill(levels, SUB * j, SUB * (j + 1), (byte) 0);
            return 0;
        }
        float scale = 0;
        float best = 0;
        // the plain step first: the others must be better than it
        for (int i = 0; i <= 18; i++) {
            int step = i == 0 ? 0 : i <= 9 ? i - 10 : i - 9;
            float inverse = -(32 + 0.1f * step) / far;
            float sxl = 0;
            float sl2 = 0;
            for (int l = 0; l < SUB; l++) {
                float x = in[from + l];
                byte q = level(inverse * x);
                tried[l] = q;
                float w = x * x;
                sxl += w * x * q;
                sl2 += w * q * q;
            }
            if (step == 0 || sl2 > 0 && sxl * sxl > best * sl2) {
                for (int l = 0; l < SUB; l++) levels[SUB * j + l] = (byte) (tried[l] + 32);
                scale = sl2 != 0 ? sxl / sl2 : 0;
                best = scale * sxl;
            }
        }
        if (!Float.isFinite(scale))
            throw new ArithmeticException("the cube of " + far + " is beyond single precision");
        return scale;
    }
}
