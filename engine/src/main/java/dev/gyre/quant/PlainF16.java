package dev.gyre.quant;

import dev.gyre.format.ElementType;

/** IEEE half precision. */
final class PlainF16 implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.F16;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int i = 0; i < blocks; i++) out[to + i] = Little.f16(in, at + 2 * i);
    }

    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        for (int i = 0; i < blocks; i++) Little.f16(out, at + 2 * i, in[from + i]);
    }
}
