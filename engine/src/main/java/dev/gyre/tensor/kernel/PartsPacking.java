package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.MEMORY;
import static dev.gyre.tensor.kernel.Lanes.load;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The two bf16 parts of f32 numbers, and bf16 matrices in the order that {@link SmallProducts}
 * wants: two steps of a column side by side. In vectors of 16 numbers.
 */
final class PartsPacking {
    private static final int UPPER_HALF = 0xffff0000;
    private static final int HALF = 0x8000;
    private static final int LARGEST_ROUNDED = 0x7f7f8000;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private PartsPacking() {}

    /** Rounded to bf16; what is not finite, or would become so, is cut off. */
    private static FloatVector upper(FloatVector v) {
        IntVector bits = v.reinterpretAsInts();
        var rounds = bits.and(Integer.MAX_VALUE).lt(LARGEST_ROUNDED);
        return bits.add(HALF, rounds).and(UPPER_HALF).reinterpretAsFloats();
    }

    /**
     * The number rounded, and what that leaves, rounded.
     *
     * @param from f32 numbers side by side
     * @param count a multiple of 16
     * @param apart bytes from the first parts to the second
     */
    static void split(long from, long count, long to, long apart) {
        for (long i = 0; i < count; i += 16) {
            FloatVector v = load(from + 4 * i);
            FloatVector first = upper(v);
            narrow(first, to + 2 * i);
            narrow(upper(v.sub(first)), to + 2 * i + apart);
        }
    }

    private static void narrow(FloatVector v, long to) {
        v.reinterpretAsInts()
                .lanewise(VectorOperators.LSHR, 16)
                .convertShape(VectorOperators.I2S, ShortVector.SPECIES_256, 0)
                .reinterpretAsShorts()
                .intoMemorySegment(MEMORY, to, ORDER);
    }

    /**
     * b[k, n] = w[k, n]: the numbers of two rows side by side.
     *
     * @param w bf16
     * @param wRow bytes from a row k to the next
     * @param steps even
     * @param columns a multiple of 16
     * @param to [steps/2, columns, 2]
     */
    static void pairsOfRows(long w, long wRow, int steps, int columns, long to) {
        for (int k = 0; k < steps; k += 2)
            for (int n = 0; n < columns; n += 16) {
                IntVector even = wide(w + k * wRow + 2L * n);
                IntVector odd = wide(w + (k + 1) * wRow + 2L * n);
                even.or(odd.lanewise(VectorOperators.LSHL, 16))
                        .intoMemorySegment(MEMORY, to + 2L * k * columns + 4L * n, ORDER);
            }
    }

    private static IntVector wide(long from) {
        return (IntVector)
                ShortVector.fromMemorySegment(ShortVector.SPECIES_256, MEMORY, from, ORDER)
                        .convertShape(VectorOperators.ZERO_EXTEND_S2I, IntVector.SPECIES_512, 0);
    }

    /**
     * b[k, n] = w[n, k]: pairs of numbers, turned.
     *
     * @param w bf16
     * @param wRow bytes from a row n to the next
     * @param steps even
     * @param to [steps/2, columns, 2]
     */
    static void columns(long w, long wRow, int steps, int columns, long to) {
        for (int n = 0; n < columns; n++) {
            long row = w + n * wRow;
            long at = to + 4L * n;
            for (int pair = 0; pair < steps / 2; pair++)
                MEMORY.set(
                        ValueLayout.JAVA_INT_UNALIGNED,
                        at + 4L * pair * columns,
                        MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, row + 4L * pair));
        }
    }
}
