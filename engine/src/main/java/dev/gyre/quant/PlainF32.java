package dev.gyre.quant;

import dev.gyre.format.ElementType;

/** IEEE single precision. */
final class PlainF32 implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.F32;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int i = 0; i < blocks; i++)
            out[to + i] = Float.intBitsToFloat(Little.i32(in, at + 4 * i));
    }

    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        for (int i = 0; i < blocks; i++)
            Little.i32(out, at + 4 * i, Float.floatToRawIntBits(in[from + i]));
    }
}
