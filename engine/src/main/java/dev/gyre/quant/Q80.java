package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/** 32 numbers in 34 bytes: d (f16), 32 signed bytes q; y = d q. */
final class Q80 implements BlockDecoder {
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

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q80(in, out, blocks);
        else BlockDecoder.super.decode(in, out, blocks);
    }
}
