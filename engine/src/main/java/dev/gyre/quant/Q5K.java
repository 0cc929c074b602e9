package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/**
 * 256 numbers in 176 bytes: as Q4_K, with 32 bytes of high bits before the nibbles; sub-block j
 * takes bit j.
 */
final class Q5K implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.Q5_K;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int b = 0; b < blocks; b++, at += 176, to += 256) {
            float d = Little.f16(in, at);
            float dmin = Little.f16(in, at + 2);
            for (int j = 0; j < 8; j++) {
                float scale = d * SixBits.scale(in, at + 4, j);
                float min = dmin * SixBits.min(in, at + 4, j);
                int from = at + 48 + 32 * (j / 2);
                int shift = 4 * (j & 1);
                for (int l = 0; l < 32; l++) {
                    int q = ((in[from + l] >> shift) & 15) | ((in[at + 16 + l] >> j) & 1) << 4;
                    out[to + 32 * j + l] = scale * q - min;
                }
            }
        }
    }

    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        var fit = new AffineFit(31, -0.5f, 15);
        for (int b = 0; b < blocks; b++, at += 176, from += 256) {
            byte[] q = fit.levels(in, from, out, at);
            for (int l = 0; l < 32; l++) {
                int fifth = 0;
                for (int j = 0; j < 8; j++) fifth |= q[32 * j + l] >> 4 << j;
                out[at + 16 + l] = (byte) fifth;
                for (int j = 0; j < 8; j += 2)
                    out[at + 48 + 16 * j + l] =
                            (byte) ((q[32 * j + l] & 15) | q[32 * (j + 1) + l] << 4);
            }
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q5k(in, out, blocks);
        else BlockEncoder.super.decode(in, out, blocks);
    }
}
