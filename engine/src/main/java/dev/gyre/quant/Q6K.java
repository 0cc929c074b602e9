package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/**
 * 256 numbers in 210 bytes: 128 bytes of nibbles, 64 of upper bit pairs, 16 signed scales, d (f16);
 * sub-block of 16: y = (d sc) (q - 32).
 */
final class Q6K implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.Q6_K;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int b = 0; b < blocks; b++, at += 210, to += 256) {
            float d = Little.f16(in, at + 208);
            for (int j = 0; j < 16; j++) {
                float scale = d * in[at + 192 + j];
                int half = j / 8;
                int quarter = j % 8 / 2;
                int first = j % 2 * 16;
                int low = at + 64 * half + 32 * (quarter & 1) + first;
                int high = at + 128 + 32 * half + first;
                for (int l = 0; l < 16; l++) {
                    int q =
                            ((in[low + l] >> (4 * (quarter / 2))) & 15)
                                    | ((in[high + l] >> (2 * quarter)) & 3) << 4;
                    out[to + 16 * j + l] = scale * (q - 32);
                }
            }
        }
    }

    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        var fit = new ScaleFit();
        for (int b = 0; b < blocks; b++, at += 210, from += 256) {
            byte[] q = fit.levels(in, from, out, at + 192);
            for (int half = 0; half < 2; half++)
                for (int l = 0; l < 32; l++) {
                    int x = 128 * half + l;
                    int low = at + 64 * half + l;
                    out[low] = (byte) ((q[x] & 15) | (q[x + 64] & 15) << 4);
                    out[low + 32] = (byte) ((q[x + 32] & 15) | (q[x + 96] & 15) << 4);
                    out[at + 128 + 32 * half + l] =
                            (byte)
                                    (q[x] >> 4
                                            | q[x + 32] >> 4 << 2
                                            | q[x + 64] >> 4 << 4
                                            | q[x + 96] >> 4 << 6);
                }
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q6k(in, out, blocks);
        else BlockEncoder.super.decode(in, out, blocks);
    }
}
