package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/** 32 numbers in 20 bytes: d, m (f16), 32 nibbles q, low ones first; y = d q + m. */
final class Q41 implements BlockDecoder {
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

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q41(in, out, blocks);
        else BlockDecoder.super.decode(in, out, blocks);
    }
}
