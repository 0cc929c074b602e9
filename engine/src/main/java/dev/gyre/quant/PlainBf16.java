package dev.gyre.quant;

import dev.gyre.format.ElementType;

/** The upper half of IEEE single precision. */
final class PlainBf16 implements BlockEncoder {
    @Override
    public ElementType type() {
        return ElementType.BF16;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int i = 0; i < blocks; i++)
            out[to + i] = Float.intBitsToFloat(Little.i16(in, at + 2 * i) << 16);
    }

    /** To the nearest, and to the even one of two as near. */
    @Override
    public void encode(float[] in, int from, byte[] out, int at, int blocks) {
        for (int i = 0; i < blocks; i++) {
            int bits = Float.floatToRawIntBits(in[from + i]);
            int rounded = (bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16;
            if ((rounded & 0x7F80) == 0x7F80)
                throw new ArithmeticException(in[from + i] + " is beyond bfloat16");
            Little.i16(out, at + 2 * i, (short) rounded);
        }
    }
}
