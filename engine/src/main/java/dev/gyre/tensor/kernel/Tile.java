package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.get;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import jdk.incubator.vector.FloatVector;

/**
 * The product of two small strided matrices, in tiles of 4 rows by 2 vectors, or by 1 where one is
 * left over, whose sums stay in registers: eight sums keep the multiply-add units busy. All strides
 * are in bytes.
 *
 * <p>The tiles' loops count no steps but go on until b's end, because the compiler unrolls a loop
 * that counts. Four steps at once need more than the 16 registers of AVX2, and with sums in memory
 * a tile of 32 steps did 35 GFLOP/s on a Zen 3 core instead of 68. Nine sums or more have the same
 * end: the compiler loads all that a step needs before its first product.
 */
final class Tile {
    private static final int ROWS = 4;

    /** Columns come in multiples of this. */
    static final int COLUMNS = COUNT;

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
        FloatVector s00 = Lanes.zero();
        FloatVector s01 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s20 = s00;
        FloatVector s21 = s00;
        FloatVector s30 = s00;
        FloatVector s31 = s00;
        if (add) {
            s00 = load(out);
            s01 = load(out + BYTES);
            s10 = load(out + outRow);
            s11 = load(out + outRow + BYTES);
            s20 = load(out + 2 * outRow);
            s21 = load(out + 2 * outRow + BYTES);
            s30 = load(out + 3 * outRow);
            s31 = load(out + 3 * outRow + BYTES);
        }
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
        FloatVector s0 = add ? load(out) : Lanes.zero();
        FloatVector s1 = add ? load(out + BYTES) : Lanes.zero();
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
            FloatVector s = add ? load(out + i * outRow) : Lanes.zero();
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
        FloatVector s0 = add ? load(out) : Lanes.zero();
        FloatVector s1 = add ? load(out + outRow) : Lanes.zero();
        FloatVector s2 = add ? load(out + 2 * outRow) : Lanes.zero();
        FloatVector s3 = add ? load(out + 3 * outRow) : Lanes.zero();
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
