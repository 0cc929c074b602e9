package dev.gyre.format;

import dev.gyre.config.UserError;

import java.util.Arrays;
import java.util.Optional;

/**
 * How a stored tensor's elements lie in bytes: blocks of so many elements in so many bytes. Plain
 * numbers are blocks of one. Safetensors names its types, GGUF numbers them; some exist in one of
 * the two only. The order is that of the safetensors library, which its writer sorts by.
 */
public enum ElementType {
    BOOL("BOOL", -1, 1, 1),
    F4("F4", -1, 2, 1),
    F6_E2M3("F6_E2M3", -1, 4, 3),
    F6_E3M2("F6_E3M2", -1, 4, 3),
    U8("U8", -1, 1, 1),
    I8("I8", 24, 1, 1),
    F8_E5M2("F8_E5M2", -1, 1, 1),
    F8_E4M3("F8_E4M3", -1, 1, 1),
    F8_E8M0("F8_E8M0", -1, 1, 1),
    F8_E4M3FNUZ("F8_E4M3FNUZ", -1, 1, 1),
    F8_E5M2FNUZ("F8_E5M2FNUZ", -1, 1, 1),
    I16("I16", 25, 1, 2),
    U16("U16", -1, 1, 2),
    F16("F16", 1, 1, 2),
    BF16("BF16", 30, 1, 2),
    I32("I32", 26, 1, 4),
    U32("U32", -1, 1, 4),
    F32("F32", 0, 1, 4),
    C64("C64", -1, 1, 8),
    F64("F64", 28, 1, 8),
    I64("I64", 27, 1, 8),
    U64("U64", -1, 1, 8),
    Q4_0("", 2, 32, 18),
    Q4_1("", 3, 32, 20),
    Q5_0("", 6, 32, 22),
    Q5_1("", 7, 32, 24),
    Q8_0("", 8, 32, 34),
    Q8_1("", 9, 32, 40),
    Q2_K("", 10, 256, 84),
    Q3_K("", 11, 256, 110),
    Q4_K("", 12, 256, 144),
    Q5_K("", 13, 256, 176),
    Q6_K("", 14, 256, 210),
    Q8_K("", 15, 256, 292),
    IQ2_XXS("", 16, 256, 66),
    IQ2_XS("", 17, 256, 74),
    IQ3_XXS("", 18, 256, 98),
    IQ1_S("", 19, 256, 50),
    IQ4_NL("", 20, 32, 18),
    IQ3_S("", 21, 256, 110),
    IQ2_S("", 22, 256, 82),
    IQ4_XS("", 23, 256, 136),
    IQ1_M("", 29, 256, 56),
    TQ1_0("", 34, 256, 54),
    TQ2_0("", 35, 256, 66),
    MXFP4("", 39, 32, 17),
    NVFP4("", 40, 64, 36),
    Q1_0("", 41, 128, 18);

    private final String safetensorsName;
    private final int ggufId;
    private final int blockElements;
    private final int blockBytes;

    ElementType(String safetensorsName, int ggufId, int blockElements, int blockBytes) {
        this.safetensorsName = safetensorsName;
        this.ggufId = ggufId;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /** Elements of one block; 1 for plain numbers. */
    public int blockElements() {
        return blockElements;
    }

    /** Bytes of one block. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Whether safetensors has this type. */
    public boolean inSafetensors() {
        return !safetensorsName.isEmpty();
    }

    /** Whether GGUF has this type. */
    public boolean inGguf() {
        return ggufId >= 0;
    }

    int ggufId() {
        return ggufId;
    }

    /**
     * Bytes that so many elements take.
     *
     * @throws UserError when they do not fill whole blocks, or the number overflows
     */
    public long bytes(long elements) {
        if (elements < 0 || elements % blockElements != 0)
            throw new UserError(
                    "%d elements are not whole blocks of %d, which %s needs"
                            .formatted(elements, blockElements, this));
        long blocks = elements / blockElements;
        if (blocks > Long.MAX_VALUE / blockBytes)
            throw new UserError(elements + " elements are too many");
        return blocks * blockBytes;
    }

    static Optional<ElementType> ofSafetensors(String name) {
        return Arrays.stream(values())
                .filter(t -> t.inSafetensors() && t.safetensorsName.equals(name))
                .findFirst();
    }

    static Optional<ElementType> ofGguf(long id) {
        return Arrays.stream(values()).filter(t -> t.ggufId >= 0 && t.ggufId == id).findFirst();
    }
}
