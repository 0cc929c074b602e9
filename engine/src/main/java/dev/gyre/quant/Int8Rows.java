package dev.gyre.quant;

import dev.gyre.config.UserError;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * A matrix of signed bytes with one scale a row (LLM.int8(), arXiv 2208.07339), as bitsandbytes
 * keeps it: a = max|row|, q = round(w·(127/a)), halves to even; w ≈ (q·a)·(1/127), in f32 as
 * written here.
 *
 * @param codes rows × columns signed bytes
 * @param absmax a of each row, f32
 */
public record Int8Rows(long rows, long columns, MemorySegment codes, MemorySegment absmax)
        implements RowSource {
    private static final float STEP = 1 / 127f;

    @Override
    public void decode(long firstRow, long count, MemorySegment out) {
        Objects.checkFromIndexSize(firstRow, count, rows);
        int n = Math.toIntExact(columns);
        byte[] bytes = new byte[n];
        float[] values = new float[n];
        for (long r = 0; r < count; r++) {
            MemorySegment.copy(codes, ValueLayout.JAVA_BYTE, (firstRow + r) * columns, bytes, 0, n);
            float a = absmax.get(Floats.LAYOUT, 4 * (firstRow + r));
            for (int i = 0; i < n; i++) values[i] = bytes[i] * a * STEP;
            MemorySegment.copy(values, 0, out, Floats.LAYOUT, 4 * r * columns, n);
        }
    }

    @Override
    public String encoding() {
        return "int8";
    }

    @Override
    public long bytes() {
        return codes.byteSize() + absmax.byteSize();
    }

    /**
     * Encodes a matrix.
     *
     * @param name for messages
     * @param arena how long the codes live
     * @throws UserError when a number is not finite
     */
    public static Int8Rows of(String name, RowSource source, Arena arena) {
        MemorySegment codes = arena.allocate(source.rows() * source.columns(), 64);
        float[] absmax = new float[Math.toIntExact(source.rows())];
        int columns = Math.toIntExact(source.columns());
        RowChunks.each(
                source,
                1,
                (_, firstRow, rows, values) -> {
                    byte[] made = new byte[rows * columns];
                    for (int r = 0; r < rows; r++) {
                        int at = r * columns;
                        Quantiser.checkFinite(name, firstRow + r, values, at, columns);
                        float a = 0;
                        for (int i = at; i < at + columns; i++)
                            a = Math.max(a, Math.abs(values[i]));
                        absmax[(int) firstRow + r] = a;
                        float scale = a > 0 ? 127 / a : 0;
                        for (int i = at; i < at + columns; i++)
                            made[i] = (byte) Math.rint(values[i] * scale);
                    }
                    MemorySegment.copy(
                            made, 0, codes, ValueLayout.JAVA_BYTE, firstRow * columns, made.length);
                });
        return new Int8Rows(
                source.rows(), columns, codes, MemorySegment.ofArray(Floats.little(absmax)));
    }
}
