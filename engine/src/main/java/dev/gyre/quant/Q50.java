package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/** 32 numbers in 22 bytes: d (f16), 32 high bits, 32 nibbles, low ones first; y = d (q - 16). */
final class Q50 implements BlockEncoder {
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

    /** d = v / -16 of the signed number v that is farthest from zero, q = x/d + 16. */
    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        for (int b = 0; b < blocks; b++, at += 22, from += 32) {
            float d = Nibbles.farthest(in, from) / -16;
            float inverse = d != 0 ? 1 / d : 0;
            Little.f16(out, at, d);
            int fifth = 0;
            for (int j = 0; j < 16; j++) {
                int low = Math.min(31, (int) (in[from + j] * inverse + 16.5f));
                int high = Math.min(31, (int) (in[from + 16 + j] * inverse + 16.5f));
                out[at + 6 + j] = (byte) ((low & 15) | (high & 15) << 4);
                fifth |= low >> 4 << j | high >> 4 << (j + 16);
            }
            Little.i32(out, at + 2, fifth);
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q50(in, out, blocks);
        else BlockEncoder.super.decode(in, out, blocks);
    }
}
