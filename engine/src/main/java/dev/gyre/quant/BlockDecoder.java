package dev.gyre.quant;

import dev.gyre.format.ElementType;

/**
 * Turns the blocks of one encoding into plain numbers, equal bit for bit to the {@code gguf} Python
 * package. Products are taken in f32 in the order of the formula, without fused steps.
 */
interface BlockDecoder {
    ElementType type();

    /**
     * Decodes whole blocks.
     *
     * @param in the blocks, from {@code at}; {@code blocks} times {@link ElementType#blockBytes}
     *     bytes
     * @param out takes the numbers, from {@code to}
     */
    void decode(byte[] in, int at, float[] out, int to, int blocks);
}
