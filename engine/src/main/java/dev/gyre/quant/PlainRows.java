package dev.gyre.quant;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Rows of f32 numbers as they lie in memory. */
record PlainRows(MemorySegment values, long rows, long columns) implements RowSource {
    PlainRows {
        if (values.byteSize() != 4 * rows * columns)
            throw new IllegalArgumentException(
                    "%d bytes are not %d rows of %d".formatted(values.byteSize(), rows, columns));
    }

    @Override
    public void decode(long firstRow, long count, MemorySegment out) {
        Objects.checkFromIndexSize(firstRow, count, rows);
        out.copyFrom(values.asSlice(4 * firstRow * columns, 4 * count * columns));
    }
}
