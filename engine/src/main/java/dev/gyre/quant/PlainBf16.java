package dev.gyre.quant;

import dev.gyre.format.ElementType;

/** The upper half of IEEE single precision. */
final class PlainBf16 implements BlockDecoder {
    @Override
    public ElementType type() {
        return ElementType.BF16;
    }

    @Override
    public void decode(byte[] in, int at, float[] out, int to, int blocks) {
        for (int i = 0; i < blocks; i++)
            out[to + i] = Float.intBitsToFloat(Little.i16(in, at + 2 * i) << 16);
    }
}
