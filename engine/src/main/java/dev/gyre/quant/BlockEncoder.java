package dev.gyre.quant;

/**
 * Turns numbers into the blocks of one encoding, equal bit for bit to ggml's reference quantisers
 * (without an importance matrix): arithmetic in f32, sums in the order of their indices.
 */
interface BlockEncoder extends BlockDecoder {
    /**
     * Encodes whole blocks.
     *
     * @param in finite numbers, from {@code from}
     * @param out takes the blocks, from {@code at}; its bytes there are zero before
     * @throws ArithmeticException when a number or a block's scale is beyond what the encoding
     *     holds
     */
    void encode(float[] in, int from, byte[] out, int at, int blocks);
}
