package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.format.StoredTensor;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Blocks of random bits with scales that are ordinary numbers. */
final class Blocks {
    /** 2⁻⁷ and 2⁻⁸ as f16. */
    private static final short SCALE = 0x2000;

    private static final short MINIMUM = 0x1c00;

    private Blocks() {}

    static StoredTensor random(ElementType type, long out, long in, Arena arena) {
        var data = arena.allocate(type.bytes(out * in), 64);
        byte[] bytes = new byte[(int) data.byteSize()];
        new Random(11).nextBytes(bytes);
        data.asByteBuffer().put(bytes);
        for (long b = 0; b < data.byteSize(); b += type.blockBytes()) {
            boolean scaleLast = type == ElementType.Q6_K;
            data.set(ValueLayout.JAVA_SHORT_UNALIGNED, scaleLast ? b + 208 : b, SCALE);
            if (!scaleLast) data.set(ValueLayout.JAVA_SHORT_UNALIGNED, b + 2, MINIMUM);
        }
        return new StoredTensor("w", type, new long[] {out, in}, data);
    }
}
