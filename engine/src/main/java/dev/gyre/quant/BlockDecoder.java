package dev.gyre.quant;

import dev.gyre.format.ElementType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Turns the blocks of one encoding into plain numbers, equal bit for bit to the {@code gguf} Python
 * package. Products are taken in f32 in the order of the formula, without fused steps.
 */
interface BlockDecoder {
    /** Numbers decoded at a time: their bytes and values stay in the processor's cache. */
    int CHUNK = 1 << 14;

    ElementType type();

    /**
     * Decodes whole blocks.
     *
     * @param in the blocks, from {@code at}; {@code blocks} times {@link ElementType#blockBytes}
     *     bytes
     * @param out takes the numbers, from {@code to}
     */
    void decode(byte[] in, int at, float[] out, int to, int blocks);

    /**
     * The same from native memory to native memory.
     *
     * @param in exactly the blocks
     * @param out exactly their numbers, f32
     */
    default void decode(MemorySegment in, MemorySegment out, int blocks) {
        int per = type().blockElements();
        int size = type().blockBytes();
        int most = Math.max(1, CHUNK / per);
        byte[] bytes = new byte[Math.min(blocks, most) * size];
        float[] values = new float[Math.min(blocks, most) * per];
        for (int done = 0; done < blocks; done += most) {
            int n = Math.min(most, blocks - done);
            MemorySegment.copy(in, ValueLayout.JAVA_BYTE, (long) done * size, bytes, 0, n * size);
            decode(bytes, 0, values, 0, n);
            MemorySegment.copy(
                    values, 0, out, ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * done * per, n * per);
        }
    }
}
