package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/** 32 numbers in 22 bytes: d (f16), 32 high bits, 32 nibbles, low ones first; y = d (q - 16). */
final class Q50 implements BlockDecoder {
    @Override
    public ElementType type() {
        return ElementType.Q5_0;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int b = 0; b < blocks; b++, at += 22, to += 32) {
            float d = Little.f16(in, at);
            int high = Little.i32(in, at + 2);
            for (int j = 0; j < 16; j++) {
                int q = in[at + 6 + j];
                out[to + j] = d * (((q & 15) | ((high >>> j) & 1) << 4) - 16);
                out[to + 16 + j] = d * ((((q >> 4) & 15) | ((high >>> (j + 16)) & 1) << 4) - 16);
            }
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q50(in, out, blocks);
        else BlockDecoder.super.decode(in, out, blocks);
    }
}
