package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.store;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Decoders of GGUF's blocks (ggml's {@code block_q4_0} and so on) into f32, equal bit for bit to
 * the plain ones in {@code quant}: each product and sum is rounded, none is fused. Sixteen numbers
 * at a time. Asked for only where {@link Kernels#fitBlocks} says so.
 */
public final class BlockNumbers {
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Byte> SIXTEEN = ByteVector.SPECIES_128;

    /** Vectors that sixteen numbers take. */
    private static final int PARTS = 16 / COUNT;

    private static final IntVector LANE = IntVector.zero(INTS).addIndex(1);

    private BlockNumbers() {}

    /** Blocks of 32: d, 16 bytes of nibbles; y = d (q − 8). */
    public static void q40(MemorySegment in, MemorySegment out, int blocks) {
        long to = out.address();
        long at = in.address();
        for (int b = 0; b < blocks; b++, at += 18, to += 128) {
            float d = f16(at);
            for (int p = 0; p < PARTS; p++) {
                IntVector q = bytes(at + 2, p);
                store(number(q.and(15).sub(8)).mul(d), place(to, 0, p));
                store(number(high(q).sub(8)).mul(d), place(to, 1, p));
            }
        }
    }

    /** Blocks of 32: d, m, 16 bytes of nibbles; y = d q + m. */
    public static void q41(MemorySegment in, MemorySegment out, int blocks) {
        long to = out.address();
        long at = in.address();
        for (int b = 0; b < blocks; b++, at += 20, to += 128) {
            float d = f16(at);
            float m = f16(at + 2);
            for (int p = 0; p < PARTS; p++) {
                IntVector q = bytes(at + 4, p);
                store(number(q.and(15)).mul(d).add(m), place(to, 0, p));
                store(number(high(q)).mul(d).add(m), place(to, 1, p));
            }
        }
    }

    /** Blocks of 32: d, 32 high bits, 16 bytes of nibbles; y = d (q − 16). */
    public static void q50(MemorySegment in, MemorySegment out, int blocks) {
        long to = out.address();
        long at = in.address();
        for (int b = 0; b < blocks; b++, at += 22, to += 128) {
            float d = f16(at);
            int bits = i32(at + 2);
            for (int p = 0; p < PARTS; p++) {
                IntVector q = bytes(at + 6, p);
                IntVector low = q.and(15).or(fifth(bits, p * COUNT));
                IntVector high = high(q).or(fifth(bits, 16 + p * COUNT));
                store(number(low.sub(16)).mul(d), place(to, 0, p));
                store(number(high.sub(16)).mul(d), place(to, 1, p));
            }
        }
    }

    /** Blocks of 32: d, m, 32 high bits, 16 bytes of nibbles; y = d q + m. */
    public static void q51(MemorySegment in, MemorySegment out, int blocks) {
        long to = out.address();
        long at = in.address();
        for (int b = 0; b < blocks; b++, at += 24, to += 128) {
            float d = f16(at);
            float m = f16(at + 2);
            int bits = i32(at + 4);
            for (int p = 0; p < PARTS; p++) {
                IntVector q = bytes(at + 8, p);
                IntVector low = q.and(15).or(fifth(bits, p * COUNT));
                IntVector high = high(q).or(fifth(bits, 16 + p * COUNT));
                store(number(low).mul(d).add(m), place(to, 0, p));
                store(number(high).mul(d).add(m), place(to, 1, p));
            }
        }
    }

    /** Blocks of 32: d, 32 signed bytes; y = d q. */
    public static void q80(MemorySegment in, MemorySegment out, int blocks) {
        long to = out.address();
        long at = in.address();
        for (int b = 0; b < blocks; b++, at += 34, to += 128) {
            float d = f16(at);
            for (int half = 0; half < 2; half++)
                for (int p = 0; p < PARTS; p++)
                    store(number(bytes(at + 2 + 16L * half, p)).mul(d), place(to, half, p));
        }
    }

    /** Blocks of 256: d, dmin, 12 bytes of scales and minima, 128 of nibbles. */
    public static void q4k(MemorySegment in, MemorySegment out, int blocks) {
        long to = out.address();
        long at = in.address();
        for (int b = 0; b < blocks; b++, at += 144, to += 1024) {
            float d = f16(at);
            float dmin = f16(at + 2);
            for (int j = 0; j < 8; j++) {
                float scale = d * scale(at + 4, j);
                float min = dmin * min(at + 4, j);
                long nibbles = at + 16 + 32L * (j >> 1);
                for (int half = 0; half < 2; half++)
                    for (int p = 0; p < PARTS; p++) {
                        IntVector q = nibble(bytes(nibbles + 16L * half, p), 4 * (j & 1));
                        store(number(q).mul(scale).sub(min), place(to, 2 * j + half, p));
                    }
            }
        }
    }

    /** Blocks of 256: d, dmin, 12 bytes of scales and minima, 32 of high bits, 128 of nibbles. */
    public static void q5k(MemorySegment in, MemorySegment out, int blocks) {
        long to = out.address();
        long at = in.address();
        for (int b = 0; b < blocks; b++, at += 176, to += 1024) {
            float d = f16(at);
            float dmin = f16(at + 2);
            for (int j = 0; j < 8; j++) {
                float scale = d * scale(at + 4, j);
                float min = dmin * min(at + 4, j);
                long nibbles = at + 48 + 32L * (j >> 1);
                for (int half = 0; half < 2; half++)
                    for (int p = 0; p < PARTS; p++) {
                        IntVector low = nibble(bytes(nibbles + 16L * half, p), 4 * (j & 1));
                        IntVector top = shifted(bytes(at + 16 + 16L * half, p), j).and(1);
                        IntVector q = low.or(top.lanewise(VectorOperators.LSHL, 4));
                        store(number(q).mul(scale).sub(min), place(to, 2 * j + half, p));
                    }
            }
        }
    }

    /** Blocks of 256: 128 bytes of nibbles, 64 of pairs of high bits, 16 signed scales, d. */
    public static void q6k(MemorySegment in, MemorySegment out, int blocks) {
        long to = out.address();
        long at = in.address();
        for (int b = 0; b < blocks; b++, at += 210, to += 1024) {
            float d = f16(at + 208);
            for (int j = 0; j < 16; j++) {
                float scale = d * Lanes.signedByte(at + 192 + j);
                int half = j >> 3;
                int quarter = (j & 7) >> 1;
                int first = 16 * (j & 1);
                long low = at + 64L * half + 32L * (quarter & 1) + first;
                long high = at + 128 + 32L * half + first;
                for (int p = 0; p < PARTS; p++) {
                    IntVector q = nibble(bytes(low, p), 4 * (quarter >> 1));
                    IntVector top = shifted(bytes(high, p), 2 * quarter).and(3);
                    q = q.or(top.lanewise(VectorOperators.LSHL, 4)).sub(32);
                    store(number(q).mul(scale), place(to, j, p));
                }
            }
        }
    }

    /** Part p of sixteen bytes. */
    private static IntVector bytes(long at, int p) {
        return (IntVector) Lanes.bytes(SIXTEEN, at).convertShape(VectorOperators.B2I, INTS, p);
    }

    private static IntVector shifted(IntVector q, int bits) {
        return q.lanewise(VectorOperators.LSHR, bits);
    }

    private static IntVector nibble(IntVector q, int shift) {
        return shifted(q, shift).and(15);
    }

    private static IntVector high(IntVector q) {
        return nibble(q, 4);
    }

    /** Bit {@code first + lane} of each lane, as the fifth bit of a number. */
    private static IntVector fifth(int bits, int first) {
        return IntVector.broadcast(INTS, bits >>> first)
                .lanewise(VectorOperators.LSHR, LANE)
                .and(1)
                .lanewise(VectorOperators.LSHL, 4);
    }

    private static FloatVector number(IntVector q) {
        return (FloatVector) q.convert(VectorOperators.I2F, 0);
    }

    /** Where part p of a block's i-th sixteen numbers goes. */
    private static long place(long to, int i, int p) {
        return to + 64L * i + 4L * p * COUNT;
    }

    private static float f16(long at) {
        return Float.float16ToFloat(Lanes.MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
    }

    private static int i32(long at) {
        return Lanes.MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, at);
    }

    private static int scale(long s, int j) {
        return j < 4
                ? Lanes.signedByte(s + j) & 63
                : (Lanes.signedByte(s + j + 4) & 15)
                        | ((Lanes.signedByte(s + j - 4) >> 6) & 3) << 4;
    }

    private static int min(long s, int j) {
        return j < 4
                ? Lanes.signedByte(s + j + 4) & 63
                : ((Lanes.signedByte(s + j + 4) >> 4) & 15)
                        | ((Lanes.signedByte(s + j) >> 6) & 3) << 4;
    }
}
