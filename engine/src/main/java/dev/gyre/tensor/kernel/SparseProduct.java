package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.get;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.set;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

import java.util.stream.IntStream;

/**
 * Products of rows with a matrix M [out, in] of k scattered entries, at a cost that grows with N·k.
 * Panels of rows are turned, so that an entry meets a feature of many rows as vectors: one load and
 * one multiply-add for {@code COUNT} rows. Asked for only where {@link Kernels#fitEntries} says so.
 */
public final class SparseProduct {
    /** Vectors of a panel: enough sums at a time to keep the multiply-add units busy. */
    private static final int VECTORS = 4;

    /** Rows of a panel. */
    private static final int PANEL = VECTORS * COUNT;

    /** From one feature of a panel to the next. */
    private static final long STEP = VECTORS * BYTES;

    /** Features' worth of room for a tile, of {@code COUNT} features, turned and turned back. */
    private static final int TILE = 2 * COUNT;

    /** Bytes of turned inputs that stay near a core while all entries pass over them. */
    private static final long GROUP = 1 << 20;

    /** Parts of a worker's share are alike in work when there are some more than workers. */
    private static final int PARTS = 16;

    /**
     * The entries line by line, of one side of the matrix.
     *
     * @param starts of each line, and k at the end
     * @param others the place on the other side, [k]
     * @param entries which of the values, [k]
     */
    private record Lines(int[] starts, int[] others, int[] entries) {
        static Lines of(int[] lines, int[] others, int count) {
            int[] starts = new int[count + 1];
            for (int line : lines) starts[line + 1]++;
            for (int i = 0; i < count; i++) starts[i + 1] += starts[i];
            int[] next = starts.clone();
            int[] sorted = new int[lines.length];
            int[] entries = new int[lines.length];
            for (int e = 0; e < lines.length; e++) {
                int at = next[lines[e]]++;
                sorted[at] = others[e];
                entries[at] = e;
            }
            return new Lines(starts, sorted, entries);
        }
    }

    /** Numbers at the entries, or sums of them, at an address, and what they are to be times. */
    private record Values(long at, float scale) {
        float scaled(int entry) {
            return get(at + 4L * entry) * scale;
        }

        void add(int entry, float sum) {
            set(at + 4L * entry, get(at + 4L * entry) + sum * scale);
        }
    }

    private final int out;
    private final int in;
    private final Lines rows;
    private final Lines columns;

    /**
     * @param places of the entries: output · in + input, no two alike
     */
    public SparseProduct(long[] places, int out, int in) {
        this.out = out;
        this.in = in;
        int[] i = new int[places.length];
        int[] j = new int[places.length];
        for (int e = 0; e < places.length; e++) {
            i[e] = (int) (places[e] / in);
            j[e] = (int) (places[e] % in);
        }
        this.rows = Lines.of(i, j, out);
        this.columns = Lines.of(j, i, in);
    }

    /**
     * y += s·x·Mᵀ.
     *
     * @param values of the entries, [k]
     * @param scale s
     * @param x [N, in]
     * @param y [N, out]
     */
    public void addProduct(Tensor values, float scale, Tensor x, Tensor y) {
        int n = (int) x.size(0);
        var v = new Values(Lanes.address(values), scale);
        long from = Lanes.address(x);
        long to = Lanes.address(y);
        Workers.share(
                panels(n),
                (first, end) -> {
                    try (var _ = Scope.open()) {
                        long turned = Lanes.address(room(1, in));
                        long tile = Lanes.address(room(1, TILE));
                        for (int p = first; p < end; p++) {
                            turnIn(from, in, p, n, turned);
                            times(rows, out, v, turned, tile, to, p, n, true);
                        }
                    }
                });
    }

    /**
     * dx = s·dy·M, and gradient += the entries of s·dyᵀ·x.
     *
     * @param scale s
     * @param x [N, in]
     * @param dy [N, out]
     * @param dx receives [N, in]
     * @param gradient of the values, [k]
     */
    public void backward(
            Tensor values, float scale, Tensor x, Tensor dy, Tensor dx, Tensor gradient) {
        int n = (int) x.size(0);
        var v = new Values(Lanes.address(values), scale);
        long from = Lanes.address(x);
        long given = Lanes.address(dy);
        long to = Lanes.address(dx);
        long sums = Lanes.address(gradient);
        int panels = panels(n);
        int group = Math.clamp(GROUP / (in * STEP), 1, panels);
        try (var _ = Scope.open()) {
            long xt = Lanes.address(room(panels, in));
            long dyt = Lanes.address(room(panels, out));
            Workers.share(
                    panels,
                    (first, end) -> {
                        try (var _ = Scope.open()) {
                            long tile = Lanes.address(room(1, TILE));
                            for (int p = first; p < end; p++) {
                                long own = dyt + (long) p * out * STEP;
                                turnIn(given, out, p, n, own);
                                times(columns, in, v, own, tile, to, p, n, false);
                                turnIn(from, in, p, n, xt + (long) p * in * STEP);
                            }
                        }
                    });
            Workers.share(
                    PARTS,
                    (first, end) -> {
                        for (int p = 0; p < panels; p += group)
                            products(
                                    line(first),
                                    line(end),
                                    xt + (long) p * in * STEP,
                                    dyt + (long) p * out * STEP,
                                    Math.min(group, panels - p),
                                    new Values(sums, scale));
                    });
        }
    }

    private static int panels(int n) {
        return Math.ceilDiv(n, PANEL);
    }

    private static Tensor room(int panels, int features) {
        return Tensor.empty(DType.F32, (long) panels * features * PANEL);
    }

    /** The row at which so many of {@link #PARTS} of all entries lie behind. */
    private int line(int part) {
        int wanted = (int) ((long) rows.entries.length * part / PARTS);
        return part == PARTS
                ? out
                : IntStream.range(0, out)
                        .filter(i -> rows.starts[i + 1] > wanted)
                        .findFirst()
                        .orElse(out);
    }

    /** A panel of rows [≤ PANEL, d], turned: [d, PANEL], zeros where there are no more rows. */
    private static void turnIn(long x, int d, int panel, int n, long to) {
        int first = panel * PANEL;
        int count = Math.min(PANEL, n - first);
        Turn.matrix(x + 4L * first * d, 4L * d, to, STEP, count, d);
        for (int j = 0; j < d; j++)
            for (int t = count; t < PANEL; t++) set(to + j * STEP + 4L * t, 0);
    }

    /**
     * A tile of turned features [count, PANEL] into rows of d, from feature j0 on.
     *
     * @param room for the tile, turned back
     */
    private static void turnOut(
            long tile, long room, int count, long y, int d, int j0, int panel, int n, boolean add) {
        int first = panel * PANEL;
        int rows = Math.min(PANEL, n - first);
        Turn.matrix(tile, STEP, room, BYTES, count, rows);
        for (int t = 0; t < rows; t++) {
            long from = room + t * BYTES;
            long to = y + 4L * ((long) (first + t) * d + j0);
            if (count == COUNT) {
                FloatVector v = load(from);
                if (add) store(load(to).add(v), to);
                else store(v, to);
                continue;
            }
            for (long j = 0; j < 4L * count; j += 4)
                set(to + j, add ? get(to + j) + get(from + j) : get(from + j));
        }
    }

    /** Each line's entries with the turned features that they name, into the rows of y. */
    private static void times(
            Lines lines,
            int count,
            Values values,
            long turned,
            long tile,
            long y,
            int panel,
            int n,
            boolean add) {
        for (int i0 = 0; i0 < count; i0 += COUNT) {
            int i1 = Math.min(count, i0 + COUNT);
            for (int i = i0; i < i1; i++) line(lines, i, values, turned, tile + (i - i0) * STEP);
            turnOut(tile, tile + COUNT * STEP, i1 - i0, y, count, i0, panel, n, add);
        }
    }

    private static void line(Lines lines, int i, Values values, long turned, long to) {
        FloatVector s0 = Lanes.zero();
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int p = lines.starts[i]; p < lines.starts[i + 1]; p++) {
            FloatVector v = Lanes.all(values.scaled(lines.entries[p]));
            long from = turned + lines.others[p] * STEP;
            s0 = v.fma(load(from), s0);
            s1 = v.fma(load(from + BYTES), s1);
            s2 = v.fma(load(from + 2 * BYTES), s2);
            s3 = v.fma(load(from + 3 * BYTES), s3);
        }
        store(s0, to);
        store(s1, to + BYTES);
        store(s2, to + 2 * BYTES);
        store(s3, to + 3 * BYTES);
    }

    /**
     * Adds the products of outputs' gradients and inputs over some panels, at the entries of some
     * rows: the sum over the lanes, which costs as much as a panel, is made once for all of them.
     */
    private void products(int from, int to, long xt, long dyt, int panels, Values sums) {
        for (int i = from; i < to; i++)
            for (int p = rows.starts[i]; p < rows.starts[i + 1]; p++) {
                long x = xt + rows.others[p] * STEP;
                long d = dyt + i * STEP;
                FloatVector s = Lanes.zero();
                FloatVector u = s;
                for (int panel = 0; panel < panels; panel++) {
                    s = load(x).fma(load(d), s);
                    u = load(x + BYTES).fma(load(d + BYTES), u);
                    s = load(x + 2 * BYTES).fma(load(d + 2 * BYTES), s);
                    u = load(x + 3 * BYTES).fma(load(d + 3 * BYTES), u);
                    x += in * STEP;
                    d += out * STEP;
                }
                sums.add(rows.entries[p], Lanes.sum(s.add(u)));
            }
    }
}
