package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/**
 * 256 numbers in 144 bytes: d, dmin (f16), eight 6-bit pairs sc, m in 12 bytes, 256 nibbles q;
 * sub-block j of 32: y = (d sc_j) q - (dmin m_j).
 */
final class Q4K implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.Q4_K;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int b = 0; b < blocks; b++, at += 144, to += 256) {
            float d = Little.f16(in, at);
            float dmin = Little.f16(in, at + 2);
            for (int j = 0; j < 8; j++) {
                float scale = d * SixBits.scale(in, at + 4, j);
                float min = dmin * SixBits.min(in, at + 4, j);
                int from = at + 16 + 32 * (j / 2);
                int shift = 4 * (j & 1);
                for (int l = 0; l < 32; l++)
                    out[to + 32 * j + l] = scale * ((in[from + l] >> shift) & 15) - min;
            }
        }
    }

    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        var fit = new AffineFit(15, -1, 20);
        for (int b = 0; b < blocks; b++, at += 144, from += 256) {
            byte[] q = fit.levels(in, from, out, at);
            for (int j = 0; j < 8; j += 2)
                for (int l = 0; l < 32; l++)
                    out[at + 16 + 16 * j + l] = (byte) (q[32 * j + l] | q[32 * (j + 1) + l] << 4);
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q4k(in, out, blocks);
        else BlockEncoder.super.decode(in, out, blocks);
    }
}
