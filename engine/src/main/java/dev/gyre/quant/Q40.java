package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/** 32 numbers in 18 bytes: d (f16), 32 nibbles q, low ones first; y = d (q - 8). */
final class Q40 implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.Q4_0;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int b = 0; b < blocks; b++, at += 18, to += 32) {
            float d = Little.f16(in, at);
            for (int j = 0; j < 16; j++) {
                int q = in[at + 2 + j];
                out[to + j] = d * ((q & 15) - 8);
                out[to + 16 + j] = d * (((q >> 4) & 15) - 8);
            }
        }
    }

    /** d = v / -8 of the signed number v that is farthest from zero, q = x/d + 8. */
    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        for (int b = 0; b < blocks; b++, at += 18, from += 32) {
            float d = Nibbles.farthest(in, from) / -8;
            float inverse = d != 0 ? 1 / d : 0;
            Little.f16(out, at, d);
            for (int j = 0; j < 16; j++) {
                int low = Math.min(15, (int) (in[from + j] * inverse + 8.5f));
                int high = Math.min(15, (int) (in[from + 16 + j] * inverse + 8.5f));
                out[at + 2 + j] = (byte) (low | high << 4);
            }
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q40(in, out, blocks);
        else BlockEncoder.super.decode(in, out, blocks);
    }
}
