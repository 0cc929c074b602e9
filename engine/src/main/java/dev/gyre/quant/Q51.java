package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.tensor.kernel.BlockNumbers;
import dev.gyre.tensor.kernel.Kernels;

import java.lang.foreign.MemorySegment;

/** 32 numbers in 24 bytes: d, m (f16), 32 high bits, 32 nibbles, low ones first; y = d q + m. */
final class Q51 implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.Q5_1;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int b = 0; b < blocks; b++, at += 24, to += 32) {
            float d = Little.f16(in, at);
            float m = Little.f16(in, at + 2);
            int high = Little.i32(in, at + 4);
            for (int j = 0; j < 16; j++) {
                int q = in[at + 8 + j];
                out[to + j] = d * ((q & 15) | ((high >>> j) & 1) << 4) + m;
                out[to + 16 + j] = d * (((q >> 4) & 15) | ((high >>> (j + 16)) & 1) << 4) + m;
            }
        }
    }

    /** m = min x, d = (max x - m) / 31, q = (x - m) / d. */
    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        for (int b = 0; b < blocks; b++, at += 24, from += 32) {
            float min = Nibbles.least(in, from);
            float d = (Nibbles.most(in, from) - min) / 31;
            float inverse = d != 0 ? 1 / d : 0;
            Little.f16(out, at, d);
            Little.f16(out, at + 2, min);
            int fifth = 0;
            for (int j = 0; j < 16; j++) {
                int low = Math.min(31, (int) ((in[from + j] - min) * inverse + 0.5f));
                int high = Math.min(31, (int) ((in[from + 16 + j] - min) * inverse + 0.5f));
                out[at + 8 + j] = (byte) ((low & 15) | (high & 15) << 4);
                fifth |= low >> 4 << j | high >> 4 << (j + 16);
            }
            Little.i32(out, at + 4, fifth);
        }
    }

    @Override
    public void decode(MemorySegment in, MemorySegment out, int blocks) {
        if (Kernels.fitBlocks(in, out)) BlockNumbers.q51(in, out, blocks);
        else BlockEncoder.super.decode(in, out, blocks);
    }
}
