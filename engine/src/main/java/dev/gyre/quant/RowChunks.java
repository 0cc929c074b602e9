package dev.gyre.quant;

import dev.gyre.tensor.Cores;

import java.lang.foreign.MemorySegment;
import java.util.function.LongUnaryOperator;

/** Goes through a matrix in chunks of rows, all cores at once; only the chunks are decoded. */
public final class RowChunks {
    /** Numbers of a chunk, unless its rows are longer. */
    private static final int SIZE = 1 << 16;

    private RowChunks() {}

    /** What is done with a chunk; by one of several threads. */
    @FunctionalInterface
    interface Work {
        /**
         * @param index of the chunk, from 0
         * @param values the chunk's rows, from 0; the array may be longer
         */
        void on(int index, long firstRow, int rows, float[] values);
    }

    /** How far one matrix is from another. */
    public record Difference(double squaredError, double squares) {
        /** ‖after − before‖ / ‖before‖ in the Frobenius norm; 0 when nothing differs. */
        public double relative() {
            return squaredError == 0 ? 0 : Math.sqrt(squaredError / squares);
        }

        public Difference plus(Difference other) {
            return new Difference(squaredError + other.squaredError, squares + other.squares);
        }
    }

    /** Compares two matrices of one shape; the sums do not depend on the number of cores. */
    public static Difference difference(RowSource before, RowSource after) {
        long step = step(before, 1);
        double[] errors = new double[count(before, step)];
        double[] squares = new double[errors.length];
        each(
                before,
                1,
                (index, firstRow, rows, values) -> {
                    int n = (int) (rows * before.columns());
                    float[] others = new float[n];
                    after.decode(firstRow, rows, MemorySegment.ofArray(others));
                    for (int i = 0; i < n; i++) {
                        double off = (double) others[i] - values[i];
                        errors[index] += off * off;
                        squares[index] += (double) values[i] * values[i];
                    }
                });
        var sum = new Difference(0, 0);
        for (int i = 0; i < errors.length; i++)
            sum = sum.plus(new Difference(errors[i], squares[i]));
        return sum;
    }

    /**
     * Decodes all rows.
     *
     * @param unit every chunk but the last is a multiple of so many rows
     */
    static void each(RowSource source, long unit, Work work) {
        if (source.rows() == 0 || source.columns() == 0) return;
        long step = step(source, unit);
        int chunks = count(source, step);
        int cores = Math.min(Cores.count(), chunks);
        LongUnaryOperator rowsAt = first -> Math.min(step, source.rows() - first);
        Cores.each(
                cores,
                core -> {
                    float[] values = new float[Math.toIntExact(step * source.columns())];
                    for (int c = core; c < chunks; c += cores) {
                        int rows = (int) rowsAt.applyAsLong(c * step);
                        source.decode(
                                c * step,
                                rows,
                                MemorySegment.ofArray(values)
                                        .asSlice(0, 4L * rows * source.columns()));
                        work.on(c, c * step, rows, values);
                    }
                    return 0;
                });
    }

    private static long step(RowSource source, long unit) {
        long fit = Math.max(1, SIZE / Math.max(1, source.columns()) / unit) * unit;
        return Math.min(fit, Math.max(1, source.rows()));
    }

    private static int count(RowSource source, long step) {
        return Math.toIntExact(Math.ceilDiv(source.rows(), step));
    }
}
