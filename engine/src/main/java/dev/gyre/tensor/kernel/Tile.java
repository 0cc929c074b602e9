package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.get;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import jdk.incubator.vector.FloatVector;

import java.lang.foreign.Arena;

/**
 * The product of two small strided matrices, in {@link MachineCode} where the processor takes it,
 * and else in tiles of 4 rows by 2 vectors, or by 1 where one is left over, whose sums stay in
 * registers: eight sums keep the multiply-add units busy. All strides are in bytes.
 *
 * <p>The Java tiles' loops count no steps but go on until b's end, because the compiler unrolls a
 * loop that counts. Four steps at once need more than the 16 registers of AVX2, and with sums in
 * memory a tile of 32 steps did 35 GFLOP/s on a Zen 3 core instead of 68. Nine sums or more have
 * the same end: the compiler loads all that a step needs before its first product.
 */
final class Tile {
    private static final int ROWS = 4;

    /** Bytes of a panel's row. */
    static final long PANEL = 2 * BYTES;

    /** Columns come in multiples of this. */
    static final int COLUMNS = COUNT;

    /**
     * What sums start from where nothing is added to. Vectors that one branch loads and another has
     * from elsewhere are vectors only as long as both are compiled: the branch that was rare until
     * then was once left as a call, and each sum an object, 40 times as slow for the rest of a run.
     */
    private static final long ZEROS = Arena.global().allocate(2 * BYTES, BYTES).address();

    private Tile() {}

    /**
     * out[i, j] (+)= Σₖ a[i, k] · b[k, j] for any number of rows i and whole vectors of columns j;
     * b and out have columns side by side.
     *
     * @param aRow from a[i, k] to a[i+1, k]
     * @param aStep from a[i, k] to a[i, k+1]
     * @param bStep from b[k, j] to b[k+1, j]
     * @param add whether to add to what out holds
     */
    static void product(
            long a,
            long aRow,
            long aStep,
            long b,
            long bStep,
            long out,
            long outRow,
            int rows,
            int columns,
            int steps,
            boolean add) {
        if (Machine.PRESENT && steps > 0)
            Machine.product(
                    a, aRow, aStep, b, bStep, PANEL, out, outRow, rows, columns, steps, add);
        else inJava(a, aRow, aStep, b, bStep, out, outRow, rows, columns, steps, add);
    }

    /**
     * The same with b in panels of two vectors of columns, [panels, steps, 2·COUNT] one after
     * another.
     */
    static void panels(
            long a,
            long aRow,
            long aStep,
            long b,
            long out,
            long outRow,
            int rows,
            int columns,
            int steps,
            boolean add) {
        long panel = PANEL * steps;
        if (Machine.PRESENT && steps > 0)
            Machine.product(
                    a, aRow, aStep, b, PANEL, panel, out, outRow, rows, columns, steps, add);
        else
            for (int j = 0; j < columns; j += 2 * COUNT) {
                int some = Math.min(2 * COUNT, columns - j);
                product(a, aRow, aStep, b, PANEL, out + 4L * j, outRow, rows, some, steps, add);
                b += panel;
            }
    }

    /** The same as {@link #product}, on processors that {@link MachineCode} is not for. */
    static void inJava(
            long a,
            long aRow,
            long aStep,
            long b,
            long bStep,
            long out,
            long outRow,
            int rows,
            int columns,
            int steps,
            boolean add) {
        long pairs = columns / (2 * COUNT) * (2 * BYTES);
        if (pairs < 4L * columns)
            column(a, aRow, aStep, b + pairs, bStep, out + pairs, outRow, rows, steps, add);
        int i = 0;
        for (; i + ROWS <= rows; i += ROWS)
            for (long j = 0; j < pairs; j += 2 * BYTES)
                fourByTwo(
                        a + i * aRow,
                        aRow,
                        aStep,
                        b + j,
                        bStep,
                        out + i * outRow + j,
                        outRow,
                        steps,
                        add);
        for (; i < rows; i++)
            for (long j = 0; j < pairs; j += 2 * BYTES)
                one(a + i * aRow, aStep, b + j, bStep, out + i * outRow + j, steps, add);
    }

    private static void fourByTwo(
            long a,
            long aRow,
            long aStep,
            long b,
            long bStep,
            long out,
            long outRow,
            int steps,
            boolean add) {
        long from = add ? out : ZEROS;
        long fromRow = add ? outRow : 0;
        FloatVector s00 = load(from);
        FloatVector s01 = load(from + BYTES);
        FloatVector s10 = load(from + fromRow);
        FloatVector s11 = load(from + fromRow + BYTES);
        FloatVector s20 = load(from + 2 * fromRow);
        FloatVector s21 = load(from + 2 * fromRow + BYTES);
        FloatVector s30 = load(from + 3 * fromRow);
        FloatVector s31 = load(from + 3 * fromRow + BYTES);
        for (long end = b + steps * bStep; b != end; b += bStep) {
            FloatVector b0 = load(b);
            FloatVector b1 = load(b + BYTES);
            FloatVector x = Lanes.all(get(a));
            s00 = x.fma(b0, s00);
            s01 = x.fma(b1, s01);
            x = Lanes.all(get(a, aRow));
            s10 = x.fma(b0, s10);
            s11 = x.fma(b1, s11);
            x = Lanes.all(get(a, 2 * aRow));
            s20 = x.fma(b0, s20);
            s21 = x.fma(b1, s21);
            x = Lanes.all(get(a, 3 * aRow));
            s30 = x.fma(b0, s30);
            s31 = x.fma(b1, s31);
            a += aStep;
        }
        store(s00, out);
        store(s01, out + BYTES);
        store(s10, out + outRow);
        store(s11, out + outRow + BYTES);
        store(s20, out + 2 * outRow);
        store(s21, out + 2 * outRow + BYTES);
        store(s30, out + 3 * outRow);
        store(s31, out + 3 * outRow + BYTES);
    }

    private static void one(
            long a, long aStep, long b, long bStep, long out, int steps, boolean add) {
        long from = add ? out : ZEROS;
        FloatVector s0 = load(from);
        FloatVector s1 = load(from + BYTES);
        for (int k = 0; k < steps; k++) {
            FloatVector x = Lanes.all(get(a));
            s0 = x.fma(load(b), s0);
            s1 = x.fma(load(b + BYTES), s1);
            a += aStep;
            b += bStep;
        }
        store(s0, out);
        store(s1, out + BYTES);
    }

    /** One vector of columns. */
    private static void column(
            long a,
            long aRow,
            long aStep,
            long b,
            long bStep,
            long out,
            long outRow,
            int rows,
            int steps,
            boolean add) {
        int i = 0;
        for (; i + ROWS <= rows; i += ROWS)
            fourByOne(a + i * aRow, aRow, aStep, b, bStep, out + i * outRow, outRow, steps, add);
        for (; i < rows; i++) {
            long x = a + i * aRow;
            FloatVector s = load(add ? out + i * outRow : ZEROS);
            for (int k = 0; k < steps; k++)
                s = Lanes.all(get(x, k * aStep)).fma(load(b + k * bStep), s);
            store(s, out + i * outRow);
        }
    }

    private static void fourByOne(
            long a,
            long aRow,
            long aStep,
            long b,
            long bStep,
            long out,
            long outRow,
            int steps,
            boolean add) {
        long from = add ? out : ZEROS;
        long fromRow = add ? outRow : 0;
        FloatVector s0 = load(from);
        FloatVector s1 = load(from + fromRow);
        FloatVector s2 = load(from + 2 * fromRow);
        FloatVector s3 = load(from + 3 * fromRow);
        for (long end = b + steps * bStep; b != end; b += bStep) {
            FloatVector v = load(b);
            s0 = Lanes.all(get(a)).fma(v, s0);
            s1 = Lanes.all(get(a, aRow)).fma(v, s1);
            s2 = Lanes.all(get(a, 2 * aRow)).fma(v, s2);
            s3 = Lanes.all(get(a, 3 * aRow)).fma(v, s3);
            a += aStep;
        }
        store(s0, out);
        store(s1, out + outRow);
        store(s2, out + 2 * outRow);
        store(s3, out + 3 * outRow);
    }
}
