package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/** 32 numbers in 20 bytes: d, m (f16), 32 nibbles q, low ones first; y = d q + m. */
final class Q41 implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.Q4_1;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int b = 0; b < blocks; b++, at += 20, to += 32) {
            float d = Little.f16(in, at);
            float m = Little.f16(in, at + 2);
            for (int j = 0; j < 16; j++) {
                int q = in[at + 4 + j];
                out[to + j] = d * (q & 15) + m;
                out[to + 16 + j] = d * ((q >> 4) & 15) + m;
            }
        }
    }

    /** m = min x, d = (max x - m) / 15, q = (x - m) / d. */
    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        for (int b = 0; b < blocks; b++, at += 20, from += 32) {
            float min = Nibbles.least(in, from);
            float d = (Nibbles.most(in, from) - min) / 15;
            float inverse = d != 0 ? 1 / d : 0;
            Little.f16(out, at, d);
            Little.f16(out, at + 2, min);
            for (int j = 0; j < 16; j++) {
                int low = Math.min(15, (int) ((in[from + j] - min) * inverse + 0.5f));
                int high = Math.min(15, (int) ((in[from + 16 + j] - min) * inverse + 0.5f));
                out[at + 4 + j] = (byte) (low | high << 4);
            }
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q41(in, out, blocks);
        else BlockEncoder.super.decode(in, out, blocks);
    }
}
