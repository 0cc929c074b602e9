package dev.gyre.quant;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;

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

    /** The encoding's name. */
    String encoding();

    /** What it takes, in memory or in its file. */
    long bytes();

    /** The rows of a weight. */
    static RowSource of(Weight weight) {
        return new OfWeight(weight);
    }

    /** A weight's panels, copied. */
    record OfWeight(Weight weight) implements RowSource {
        @Override
        public long rows() {
            return weight.out();
        }

        @Override
        public long columns() {
            return weight.in();
        }

        @Override
        public void decode(long firstRow, long rows, MemorySegment out) {
            try (var _ = Scope.open()) {
                var panel = weight.panel(firstRow, rows).to(DType.F32).contiguous();
                out.copyFrom(panel.segment());
            }
        }

        @Override
        public String encoding() {
            return weight.encoding();
        }

        @Override
        public long bytes() {
            return weight.bytes();
        }
    }
}
