package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.set;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;

/**
 * Causal attention of one head in one sequence, a few queries at a time, and the room that a thread
 * needs for it. The scores of these queries over all keys that they see exist at once; the backward
 * pass computes them again, and with them the softmax, so that it fits the keys and queries that it
 * is given, rounded or not. Scores are scaled by 1/√D.
 *
 * <p>Queries, their results and the gradients at both lie a row of queries apart, keys and values a
 * row of keys. All are addresses; all distances are in bytes.
 */
final class HeadAttention {
    /**
     * Queries at a time: more make more scores of later tokens, which count for nothing. Whole
     * tiles of Java's four rows and of the machine code's six.
     */
    static final int QUERIES = 24;

    /** Keys at a time in a sum over them, so that they stay in the nearest cache. */
    private static final int KEYS = 96;

    /** Keys at a time whose scores are made, so that they stay in the second cache. */
    private static final int MANY = 256;

    private final int headDim;
    private final long queryRow;
    private final long keyRow;
    private final float scale;

    /** From one query's scores to the next one's. */
    private final long row;

    /** Turned, in panels of two vectors of keys or values, [panels, D, 2·COUNT]. */
    private final long keys;

    private final long values;

    /** Scores, then their softmax, [QUERIES, row]. */
    private final long p;

    /** The gradient at p, then that at the scores. */
    private final long d;

    /**
     * Takes memory in the open scope.
     *
     * @param longest tokens of the longest sequence
     */
    HeadAttention(int longest, int headDim, long queryRow, long keyRow) {
        this.headDim = headDim;
        this.queryRow = queryRow;
        this.keyRow = keyRow;
        this.scale = (float) (1 / Math.sqrt(headDim));
        long panels = Math.ceilDiv(longest, 2 * COUNT) * Tile.PANEL;
        // One vector more, so that rows do not lie a power of two apart and share few places of a
        // cache.
        this.row = panels + BYTES;
        Tensor room = Tensor.empty(DType.F32, 2 * (headDim * panels + QUERIES * row) / 4);
        this.keys = Lanes.address(room);
        this.values = keys + headDim * panels;
        this.p = values + headDim * panels;
        this.d = p + QUERIES * row;
    }

    /** Whose keys the next queries see: the first {@code count} of them. */
    void see(long keysOfHead, int count) {
        turn(keysOfHead, count, keys);
    }

    /** The values that go with them, for a backward pass. */
    void seeValues(long valuesOfHead, int count) {
        turn(valuesOfHead, count, values);
    }

    /**
     * Writes out [from … end−1, D].
     *
     * @param q the sequence's queries
     * @param v the sequence's values
     */
    void forward(int from, int end, long q, long v, long out) {
        for (int at = from; at < end; at += QUERIES) {
            int rows = Math.min(QUERIES, end - at);
            int seen = at + rows;
            scores(q + at * queryRow, rows, keys, seen, p);
            softmax(at, rows);
            for (int key = 0; key < seen; key += KEYS)
                weighted(p, v, rows, key, seen, out + at * queryRow);
        }
    }

    /**
     * Writes the gradient dq [from … end−1, D] at these queries, and adds to those at the keys and
     * values that they see.
     *
     * @param q the sequence's queries
     * @param dy the gradient at out
     * @param k the sequence's keys
     * @param dk the gradient at these; that at values is {@code dv}
     * @param gradientRow from one key's gradient to the next one's
     */
    void backward(
            int from,
            int end,
            long q,
            long dy,
            long k,
            long dq,
            long dk,
            long dv,
            long gradientRow) {
        for (int at = from; at < end; at += QUERIES) {
            int rows = Math.min(QUERIES, end - at);
            int seen = at + rows;
            long here = at * queryRow;
            scores(q + here, rows, keys, seen, p);
            scores(dy + here, rows, values, seen, d);
            softmax(at, rows);
            for (int r = 0; r < rows; r++)
                MaskedSoftmax.backward(p + r * row, d + r * row, end(seen), scale);
            for (int key = 0; key < seen; key += KEYS) {
                int some = Math.min(KEYS, seen - key);
                long to = key * gradientRow;
                addTurned(p + 4L * key, dy + here, rows, some, dv + to, gradientRow);
                addTurned(d + 4L * key, q + here, rows, some, dk + to, gradientRow);
                weighted(d, k, rows, key, seen, dq + here);
            }
        }
    }

    /** Keys or values [count, D] in panels, zeros up to the next whole vector. */
    private void turn(long from, int count, long to) {
        for (int at = 0; at < count; at += 2 * COUNT) {
            int n = Math.min(2 * COUNT, count - at);
            long panel = to + 4L * at * headDim;
            Turn.matrix(from + at * keyRow, keyRow, panel, Tile.PANEL, n, headDim);
            for (int i = 0; i < headDim; i++)
                for (int j = n; j % COUNT != 0; j++) set(panel + i * Tile.PANEL + 4L * j, 0);
        }
    }

    /** to [rows, seen] = x [rows, D] · panels [D, seen], up to the next whole vector. */
    private void scores(long x, int rows, long panels, int seen, long to) {
        for (int key = 0; key < seen; key += MANY) {
            int columns = (int) end(Math.min(MANY, seen - key)) / 4;
            long at = to + 4L * key;
            long panel = panels + 4L * key * headDim;
            Tile.panels(x, queryRow, 4, panel, at, row, rows, columns, headDim, false);
        }
    }

    /** p ← the softmax of the scaled scores. */
    private void softmax(int at, int rows) {
        for (int r = 0; r < rows; r++)
            MaskedSoftmax.forward(p + r * row, at + r + 1, end(at + rows), scale);
    }

    /** to [rows, D] (+)= weights [rows, seen] · x [seen, D], the part of the keys from one on. */
    private void weighted(long weights, long x, int rows, int key, int seen, long to) {
        int steps = Math.min(KEYS, seen - key);
        Tile.product(
                weights + 4L * key,
                row,
                4,
                x + key * keyRow,
                keyRow,
                to,
                queryRow,
                rows,
                headDim,
                steps,
                key > 0);
    }

    /** to [some, D] += weights [rows, some]ᵀ · x [rows, D]. */
    private void addTurned(long weights, long x, int rows, int some, long to, long toRow) {
        Tile.product(weights, 4, row, x, queryRow, to, toRow, some, headDim, rows, true);
    }

    /** Bytes of so many numbers, up to the next whole vector. */
    private static long end(int numbers) {
        return Math.ceilDiv(numbers, COUNT) * BYTES;
    }
}
