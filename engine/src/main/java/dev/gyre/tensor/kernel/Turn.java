package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.SPECIES;
import static dev.gyre.tensor.kernel.Lanes.get;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.set;
import static dev.gyre.tensor.kernel.Lanes.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Turns matrices, square by square of {@code COUNT} rows: halves are swapped, then quarters, and so
 * on (Eklundh, IEEE Transactions on Computers 21, 1972). All strides are in bytes.
 */
final class Turn {
    static final VectorShuffle<Float> BY_8 = swap(8);
    static final VectorShuffle<Float> BY_4 = swap(4);
    static final VectorShuffle<Float> BY_2 = swap(2);
    static final VectorShuffle<Float> BY_1 = swap(1);
    private static final VectorMask<Float> HIGH_8 = high(8);
    private static final VectorMask<Float> HIGH_4 = high(4);
    private static final VectorMask<Float> HIGH_2 = high(2);
    private static final VectorMask<Float> HIGH_1 = high(1);

    private Turn() {}

    /** Lane l gets that of l xor d. */
    static VectorShuffle<Float> swap(int d) {
        return VectorShuffle.fromOp(SPECIES, l -> (l ^ d) % COUNT);
    }

    /** Lanes whose number has the bit d. */
    private static VectorMask<Float> high(int d) {
        return VectorMask.fromLong(SPECIES, bits(d));
    }

    private static long bits(int d) {
        long bits = 0;
        for (int l = 0; l < COUNT; l++) if ((l & d) != 0) bits |= 1L << l;
        return bits;
    }

    /** Whether squares are of a size that this knows. */
    private static final boolean KNOWN = COUNT == 16 || COUNT == 8 || COUNT == 4;

    /** to[j, i] = from[i, j] for any numbers of rows i and columns j. */
    static void matrix(long from, long fromRow, long to, long toRow, int rows, int columns) {
        int down = rows & -8;
        int across = columns & -8;
        if (!Machine.PRESENT || down == 0 || across == 0) {
            inJava(from, fromRow, to, toRow, rows, columns);
            return;
        }
        Machine.turn(from, fromRow, to, toRow, down, across);
        plain(from + 4L * across, fromRow, to + across * toRow, toRow, down, columns - across);
        plain(from + down * fromRow, fromRow, to + 4L * down, toRow, rows - down, columns);
    }

    /** The same, on processors that {@link MachineCode} is not for. */
    static void inJava(long from, long fromRow, long to, long toRow, int rows, int columns) {
        int i = 0;
        for (; KNOWN && i + COUNT <= rows; i += COUNT) {
            int j = 0;
            for (; j + COUNT <= columns; j += COUNT)
                square(from + i * fromRow + 4L * j, fromRow, to + j * toRow + 4L * i, toRow);
            plain(
                    from + i * fromRow + 4L * j,
                    fromRow,
                    to + j * toRow + 4L * i,
                    toRow,
                    COUNT,
                    columns - j);
        }
        plain(from + i * fromRow, fromRow, to + 4L * i, toRow, rows - i, columns);
    }

    private static void plain(long from, long fromRow, long to, long toRow, int rows, int columns) {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                set(to + j * toRow + 4L * i, get(from + i * fromRow + 4L * j));
    }

    /** One square, two steps in a pass, the second pass from where the first one left it. */
    private static void square(long from, long fromRow, long to, long toRow) {
        long at = from;
        long row = fromRow;
        if (COUNT > 8) {
            steps(at, row, to, toRow, 4, BY_8, HIGH_8, BY_4, HIGH_4);
            at = to;
            row = toRow;
        } else if (COUNT > 4) {
            step(at, row, to, toRow, 4, BY_4, HIGH_4);
            at = to;
            row = toRow;
        }
        steps(at, row, to, toRow, 1, BY_2, HIGH_2, BY_1, HIGH_1);
    }

    /** Swaps the upper right and the lower left in squares of 2d. */
    private static void step(
            long from,
            long fromRow,
            long to,
            long toRow,
            int d,
            VectorShuffle<Float> swap,
            VectorMask<Float> high) {
        for (int k = 0; k < COUNT / 2; k++) {
            int i = k / d * 2 * d + k % d;
            FloatVector a = load(from + i * fromRow);
            FloatVector b = load(from + (i + d) * fromRow);
            store(a.blend(b.rearrange(swap), high), to + i * toRow);
            store(a.rearrange(swap).blend(b, high), to + (i + d) * toRow);
        }
    }

    /** Two steps, in squares of 4d and of 2d. */
    private static void steps(
            long from,
            long fromRow,
            long to,
            long toRow,
            long d,
            VectorShuffle<Float> swapTwo,
            VectorMask<Float> highTwo,
            VectorShuffle<Float> swap,
            VectorMask<Float> high) {
        for (int k = 0; k < COUNT / 4; k++) {
            long i = k / d * 4 * d + k % d;
            long in = from + i * fromRow;
            FloatVector a = load(in);
            FloatVector b = load(in + d * fromRow);
            FloatVector c = load(in + 2 * d * fromRow);
            FloatVector e = load(in + 3 * d * fromRow);
            FloatVector ac = a.blend(c.rearrange(swapTwo), highTwo);
            FloatVector ca = a.rearrange(swapTwo).blend(c, highTwo);
            FloatVector be = b.blend(e.rearrange(swapTwo), highTwo);
            FloatVector eb = b.rearrange(swapTwo).blend(e, highTwo);
            long out = to + i * toRow;
            store(ac.blend(be.rearrange(swap), high), out);
            store(ac.rearrange(swap).blend(be, high), out + d * toRow);
            store(ca.blend(eb.rearrange(swap), high), out + 2 * d * toRow);
            store(ca.rearrange(swap).blend(eb, high), out + 3 * d * toRow);
        }
    }
}
