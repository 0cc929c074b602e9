package dev.gyre.model;

import dev.gyre.config.UserError;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.RotaryTurn;

/**
 * Rotary position embedding in the half-split layout: feature i turns with feature i + D/2 by the
 * angle position · f_i.
 *
 * @param frequencies f_i in radians per position, [D/2], in f32 as the reference computes them
 */
public record Rotary(float[] frequencies) {

    /** f_i = θ^(−2i/D). */
    public static Rotary of(int headDim, double theta) {
        if (headDim % 2 != 0)
            throw new UserError("rotary positions need an even head size, not " + headDim);
        float[] f = new float[headDim / 2];
        for (int i = 0; i < f.length; i++)
            f[i] = (float) (1 / Math.pow(theta, (float) (2 * i) / headDim));
        return new Rotary(f);
    }

    /** All positions closer together by a factor. */
    public Rotary linear(double factor) {
        float[] f = frequencies.clone();
        for (int i = 0; i < f.length; i++) f[i] = (float) (f[i] / factor);
        return new Rotary(f);
    }

    /**
     * Llama 3.1's stretching: long waves slow down by the factor, short ones stay, those between
     * are blended.
     *
     * @param original context length before stretching, in tokens
     */
    public Rotary llama3(double factor, double low, double high, double original) {
        float[] f = frequencies.clone();
        for (int i = 0; i < f.length; i++) {
            double wave = 2 * Math.PI / f[i];
            if (wave < original / high) continue;
            double smooth = wave > original / low ? 0 : (original / wave - low) / (high - low);
            f[i] = (float) ((1 - smooth) * f[i] / factor + smooth * f[i]);
        }
        return new Rotary(f);
    }

    /** Each frequency divided by its own number. */
    Rotary dividedBy(float[] divisors) {
        if (divisors.length != frequencies.length)
            throw new UserError(
                    divisors.length + " divisors of frequencies, wanted " + frequencies.length);
        float[] f = frequencies.clone();
        for (int i = 0; i < f.length; i++) f[i] /= divisors[i];
        return new Rotary(f);
    }

    /** cos and sin of the angles of these positions, each [N, 1, D/2]. */
    Angles at(int[] positions, DType type) {
        int half = frequencies.length;
        float[] cos = new float[positions.length * half];
        float[] sin = new float[positions.length * half];
        for (int n = 0; n < positions.length; n++) {
            for (int i = 0; i < half; i++) {
                float angle = positions[n] * frequencies[i];
                cos[n * half + i] = (float) Math.cos(angle);
                sin[n * half + i] = (float) Math.sin(angle);
            }
        }
        return new Angles(
                Tensor.of(cos, positions.length, 1, half).to(type),
                Tensor.of(sin, positions.length, 1, half).to(type));
    }

    record Angles(Tensor cos, Tensor sin) {
        /** x [N, H, D] turned by the angles, or back by them. */
        Tensor turn(Tensor x, boolean back) {
            if (Kernels.fitTurn(x, cos, sin)) {
                Tensor y = x.emptyLike();
                RotaryTurn.turn(x, cos, sin, back, y);
                return y;
            }
            long half = x.size(2) / 2;
            double sign = back ? 1 : -1;
            Tensor out = x.emptyLike();
            Tensor x1 = x.narrow(2, 0, half);
            Tensor x2 = x.narrow(2, half, half);
            out.narrow(2, 0, half).copyFrom(x1.times(cos)).plusProductInPlace(x2, sin, sign);
            out.narrow(2, half, half).copyFrom(x2.times(cos)).plusProductInPlace(x1, sin, -sign);
            return out;
        }
    }
}
