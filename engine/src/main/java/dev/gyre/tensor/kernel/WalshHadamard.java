package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

import org.jspecify.annotations.Nullable;

/**
 * The transform x ↦ x·Hᵀ of rows by H = H_K ⊗ H_L, with L a power of two and H_L Sylvester's: L by
 * butterflies, log₂ L sums a number instead of L (the fast Walsh transform: Fino and Algazi, IEEE
 * Transactions on Computers 25, 1976), and K by a product of small matrices.
 *
 * <p>Shapes: x and y are [N, K·L]. Asked for only where {@link Kernels#fitHadamard} says so.
 */
public final class WalshHadamard {
    private static final FloatVector SIGN_8 = signs(8);
    private static final FloatVector SIGN_4 = signs(4);
    private static final FloatVector SIGN_2 = signs(2);
    private static final FloatVector SIGN_1 = signs(1);

    private final long high;
    private final long highRow;
    private final long highStep;
    private final int k;
    private final int length;

    private WalshHadamard(@Nullable Tensor high, boolean back, long width) {
        this.high = high == null ? 0 : Lanes.address(high);
        this.k = high == null ? 1 : (int) high.size(0);
        this.length = (int) width / k;
        this.highRow = back ? 4 : 4L * k;
        this.highStep = back ? 4L * k : 4;
    }

    /** −1 for lanes whose number has the bit d, else 1. */
    private static FloatVector signs(int d) {
        float[] signs = new float[COUNT];
        for (int l = 0; l < COUNT; l++) signs[l] = (l & d) == 0 ? 1 : -1;
        return FloatVector.fromArray(Lanes.SPECIES, signs, 0);
    }

    /**
     * y = x·Hᵀ.
     *
     * @param high H_K, [K, K]; null where K is 1
     * @param y receives the rows; another tensor than x
     */
    public static void transform(Tensor x, @Nullable Tensor high, Tensor y) {
        new WalshHadamard(high, false, x.size(1)).rows(x, y);
    }

    /** y = x·H, as {@link #transform}: H_K is not symmetric. */
    public static void transformBack(Tensor x, @Nullable Tensor high, Tensor y) {
        new WalshHadamard(high, true, x.size(1)).rows(x, y);
    }

    private void rows(Tensor x, Tensor y) {
        int n = (int) x.size(0);
        long from = Lanes.address(x);
        long to = Lanes.address(y);
        long row = 4L * k * length;
        // Two rows side by side where one has but one vector for the product's tiles of two.
        int most = k > 1 && length == COUNT ? 2 : 1;
        Workers.share(
                Math.ceilDiv(n, most),
                (first, end) -> {
                    try (var _ = Scope.open()) {
                        // For the rows by H_L, and as much again where they lie side by side.
                        long room = Lanes.address(Tensor.empty(DType.F32, row / 2 * most));
                        for (int i = first * most; i < Math.min(n, end * most); i += most) {
                            int count = Math.min(most, n - i);
                            some(from + i * row, to + i * row, row, count, room);
                        }
                    }
                });
    }

    /** One row, or two side by side: [K, 2, L]. */
    private void some(long x, long y, long row, int count, long room) {
        if (k == 1) {
            sylvester(x, y, row, 1);
            return;
        }
        long part = 4L * length;
        long step = count * part;
        for (int r = 0; r < count; r++) sylvester(x + r * row, room + r * part, row, count);
        int columns = count * length;
        if (count == 1) {
            Tile.product(high, highRow, highStep, room, step, y, part, k, columns, k, false);
            return;
        }
        long made = room + count * row;
        Tile.product(high, highRow, highStep, room, step, made, step, k, columns, k, false);
        for (int r = 0; r < count; r++) gather(made + r * part, y + r * row, row, count);
    }

    private static void gather(long from, long to, long row, int apart) {
        for (long j = 0; j < row; j += BYTES) store(load(from + j * apart), to + j);
    }

    /**
     * The parts of a row by H_L.
     *
     * @param apart how many vectors lie from one vector of y to the next; 1 where L has several
     */
    private void sylvester(long x, long y, long row, int apart) {
        within(x, y, row, apart);
        long part = 4L * length;
        long stride = BYTES;
        for (; 2 * stride < part; stride *= 4) twoStages(y, row, stride);
        if (stride < part) stage(y, row, stride);
    }

    /** The strides within a vector. */
    private static void within(long x, long y, long row, int apart) {
        for (long j = 0; j < row; j += BYTES) {
            FloatVector v = load(x + j);
            v = v.fma(SIGN_1, v.rearrange(Turn.BY_1));
            if (COUNT > 2) v = v.fma(SIGN_2, v.rearrange(Turn.BY_2));
            if (COUNT > 4) v = v.fma(SIGN_4, v.rearrange(Turn.BY_4));
            if (COUNT > 8) v = v.fma(SIGN_8, v.rearrange(Turn.BY_8));
            store(v, y + j * apart);
        }
    }

    /** The strides s and 2s in one pass. */
    private static void twoStages(long y, long bytes, long s) {
        for (long block = y; block < y + bytes; block += 4 * s)
            for (long j = block; j < block + s; j += BYTES) {
                FloatVector a = load(j);
                FloatVector b = load(j + s);
                FloatVector c = load(j + 2 * s);
                FloatVector d = load(j + 3 * s);
                FloatVector ab = a.add(b);
                FloatVector cd = c.add(d);
                a = a.sub(b);
                c = c.sub(d);
                store(ab.add(cd), j);
                store(a.add(c), j + s);
                store(ab.sub(cd), j + 2 * s);
                store(a.sub(c), j + 3 * s);
            }
    }

    /** The stride s. */
    private static void stage(long y, long bytes, long s) {
        for (long block = y; block < y + bytes; block += 2 * s)
            for (long j = block; j < block + s; j += BYTES) {
                FloatVector a = load(j);
                FloatVector b = load(j + s);
                store(a.add(b), j);
                store(a.sub(b), j + s);
            }
    }
}
