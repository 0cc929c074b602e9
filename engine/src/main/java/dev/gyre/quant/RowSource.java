package dev.gyre.quant;

import java.lang.foreign.MemorySegment;

/**
 * A matrix [rows, columns] in some encoding, rows of which are decoded when they are asked for; by
 * several threads at once, if they like.
 */
public interface RowSource {
    long rows();

    long columns();

    /**
     * Decodes some rows.
     *
     * @param out f32, rows × columns × 4 bytes
     * @throws IndexOutOfBoundsException when there are no such rows
     */
    void decode(long firstRow, long rows, MemorySegment out);

    /** One of plain f32 numbers in memory, row after row. */
    static RowSource of(MemorySegment values, long rows, long columns) {
        return new PlainRows(values, rows, columns);
    }
}
