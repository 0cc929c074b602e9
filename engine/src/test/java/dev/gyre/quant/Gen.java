package dev.gyre.quant;

import dev.gyre.format.ElementType;
import dev.gyre.format.StoredTensor;

import java.lang.foreign.MemorySegment;

/** The numbers that golden values are told of: exact in f32 and f16. */
final class Gen {
    private Gen() {}

    static float[] of(int n) {
        float[] out = new float[n];
        for (int i = 0; i < n; i++) out[i] = ((37 * i + 11) % 101 - 50) / 64f;
        return out;
    }

    static RowSource rows(float[] values, int rows) {
        return rows(values, rows, values.length / rows);
    }

    static RowSource rows(float[] values, int rows, int columns) {
        var data = MemorySegment.ofArray(values);
        return Encodings.rows(
                new StoredTensor("w", ElementType.F32, new long[] {rows, columns}, data));
    }

    static float[] decoded(RowSource source) {
        float[] out = new float[(int) (source.rows() * source.columns())];
        source.decode(0, source.rows(), MemorySegment.ofArray(out));
        return out;
    }
}
