package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/** 32 numbers in 34 bytes: d (f16), 32 signed bytes q; y = d q. */
final class Q80 implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.Q8_0;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int b = 0; b < blocks; b++, at += 34, to += 32) {
            float d = Little.f16(in, at);
            for (int j = 0; j < 32; j++) out[to + j] = d * in[at + 2 + j];
        }
    }

    /** d = max|x| / 127, q = x/d, halves away from zero. */
    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        for (int b = 0; b < blocks; b++, at += 34, from += 32) {
            float most = 0;
            for (int j = 0; j < 32; j++) most = Math.max(most, Math.abs(in[from + j]));
            float d = most / 127;
            float inverse = d != 0 ? 1 / d : 0;
            Little.f16(out, at, d);
            for (int j = 0; j < 32; j++) {
                float q = in[from + j] * inverse;
                // in double, where the sum is exact
                out[at + 2 + j] = (byte) (q + Math.copySign(0.5, q));
            }
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q80(in, out, blocks);
        else BlockEncoder.super.decode(in, out, blocks);
    }
}
