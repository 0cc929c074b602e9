package dev.gyre.quant;

import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.StoredTensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/** Makes stored tensors of blocks from numbers. */
public final class Quantiser {
    /** What llama.cpp's quantiser takes where a row is not whole super-blocks of 256. */
    private static final Map<ElementType, ElementType> SMALLER_BLOCKS =
            Map.of(
                    ElementType.Q4_K, ElementType.Q5_0,
                    ElementType.Q5_K, ElementType.Q5_1,
                    ElementType.Q6_K, ElementType.Q8_0);

    private Quantiser() {}

    /**
     * The type that rows of so many numbers get where one is wanted: that one, or, when its blocks
     * do not divide a row, what llama.cpp's quantiser falls back to.
     */
    public static ElementType fitting(ElementType wanted, long columns) {
        var type = wanted;
        if (columns % type.blockElements() != 0) type = SMALLER_BLOCKS.getOrDefault(type, type);
        return columns % type.blockElements() == 0 ? type : ElementType.F16;
    }

    /**
     * Encodes a matrix.
     *
     * @param name the tensor's, for the file and for messages
     * @param arena how long the blocks live
     * @return [rows, columns]
     * @throws UserError when the type cannot be written, its blocks do not divide a row, or a
     *     number or a block's scale is not finite or beyond what the type holds
     */
    public static StoredTensor blocks(
            String name, ElementType type, RowSource source, Arena arena) {
        BlockEncoder encoder = Encodings.encoder(type);
        long rowBytes = type.bytes(source.columns());
        MemorySegment out = arena.allocate(Math.max(1, rowBytes * source.rows()), 64);
        RowChunks.each(
                source,
                1,
                (_, firstRow, rows, values) -> {
                    byte[] bytes = new byte[Math.toIntExact(rows * rowBytes)];
                    int columns = (int) source.columns();
                    for (int r = 0; r < rows; r++) {
                        checkFinite(name, firstRow + r, values, r * columns, columns);
                        try {
                            encoder.encode(
                                    values,
                                    r * columns,
                                    bytes,
                                    (int) (r * rowBytes),
                                    columns / type.blockElements());
                        } catch (ArithmeticException e) {
                            throw new UserError(
                                    "%s, row %d: %s cannot hold it: %s. Choose an encoding with a wider range, such as f32."
                                            .formatted(name, firstRow + r, type, e.getMessage()),
                                    e);
                        }
                    }
                    MemorySegment.copy(
                            bytes,
                            0,
                            out,
                            ValueLayout.JAVA_BYTE,
                            firstRow * rowBytes,
                            bytes.length);
                });
        return new StoredTensor(
                name,
                type,
                new long[] {source.rows(), source.columns()},
                out.asSlice(0, rowBytes * source.rows()));
    }

    /** NaN and infinities have no place in a weight, and would be encoded as something else. */
    static void checkFinite(String name, long row, float[] values, int from, int count) {
        for (int i = from; i < from + count; i++)
            if (!Float.isFinite(values[i]))
                throw new UserError(
                        "%s, row %d: %s is not a number that can be encoded; the weights are broken"
                                .formatted(name, row, values[i]));
    }
}
