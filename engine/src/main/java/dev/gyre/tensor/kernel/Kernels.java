package dev.gyre.tensor.kernel;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/**
 * When each kernel applies: on contiguous f32 in host memory whose rows are whole vectors, in a JVM
 * started with {@code --add-modules jdk.incubator.vector}. Nothing here needs that module, so it is
 * to be asked before any kernel is touched. The property {@code gyre.plain} switches kernels off,
 * for comparison.
 */
public final class Kernels {
    private static final boolean PRESENT =
            ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                    && !Boolean.getBoolean("gyre.plain");

    /** A larger block is a matrix like any other, and left to the BLAS. */
    private static final int LARGEST_BLOCK = 256;

    /** The matrix is packed for each product, which fewer rows do not repay. A guess. */
    private static final int FEWEST_FOR_PARTS = 64;

    /** From this rank on the BLAS is about as fast. */
    private static final int LARGEST_THIN = 64;

    /** A matrix is turned over for each product, which fewer rows do not repay. A guess. */
    private static final int FEWEST_FOR_THIN = 16;

    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private Kernels() {}

    /** {@link BlockRotation} of rows x [N, r·b] by blocks [r, b, b]. */
    public static boolean fitRotation(Tensor x, Tensor blocks) {
        return fit(x, blocks) && fitBlock(blocks.size(1));
    }

    /** {@link SquareBlocks} of these factors, [r, b, b] each. */
    public static boolean fitSquares(Tensor a, Tensor b) {
        return fit(a, b) && fitBlock(a.size(1));
    }

    /** {@link CayleySeries} of packed vectors v [r, b(b−1)/2]. */
    public static boolean fitSeries(Tensor v, int b) {
        return fit(v) && fitBlock(b);
    }

    private static boolean fitBlock(long b) {
        return b <= LARGEST_BLOCK && b % Tile.COLUMNS == 0;
    }

    /**
     * {@link ThinProducts} of rows x [N, wide]: with a rank too small for the BLAS and rows enough
     * to repay turning a matrix over.
     */
    public static boolean fitThin(Tensor x, long rank) {
        return fit(x)
                && rank % Tile.COLUMNS == 0
                && rank < LARGEST_THIN
                && x.size(0) >= FEWEST_FOR_THIN;
    }

    /** Whether this processor has what {@link PanelProduct} needs. */
    public static boolean havePanels() {
        return PRESENT && Machine.PRESENT;
    }

    /** {@link PanelProduct} of f32 matrices with so many columns and steps. */
    public static boolean fitPanels(long columns, long steps) {
        return havePanels() && columns % 8 == 0 && steps % 8 == 0;
    }

    /** {@link RootMeanSquare} of rows x [N, d] with a weight [d]. */
    public static boolean fitNorm(Tensor x, Tensor weight) {
        return fit(x, weight) && x.size(1) % Lanes.COUNT == 0;
    }

    /** {@link SiluGate} of tensors of one shape. */
    public static boolean fitGate(Tensor gate, Tensor up) {
        return fit(gate, up) && gate.elements() % Lanes.COUNT == 0;
    }

    /** {@link RotaryTurn} of heads x [N, H, D] by angles [N, 1, D/2]. */
    public static boolean fitTurn(Tensor x, Tensor cos, Tensor sin) {
        return fit(x, cos, sin) && x.size(2) / 2 % Lanes.COUNT == 0;
    }

    /** {@link CausalAttention}, {@link DecodeAttention} of q [N, H, D], k and v [N, Hkv, D]. */
    public static boolean fitAttention(Tensor q, Tensor k, Tensor v) {
        return fit(q, k, v) && q.size(2) % Lanes.COUNT == 0;
    }

    /** {@link SoftmaxLoss} of logits [M, vocabulary]. */
    public static boolean fitLoss(Tensor logits) {
        return fit(logits) && logits.size(1) % Lanes.COUNT == 0;
    }

    /** {@link RowDigits} of rows [N, d], in vectors of 8 numbers or more. */
    public static boolean fitDigits(Tensor x) {
        return fit(x) && Lanes.COUNT >= 8 && x.size(1) % Lanes.COUNT == 0;
    }

    /** {@link BlockNumbers}, from native memory to native memory. */
    public static boolean fitBlocks(MemorySegment in, MemorySegment out) {
        return PRESENT && LITTLE_ENDIAN && Lanes.COUNT <= 16 && in.isNative() && out.isNative();
    }

    /** {@link PairTurn} of rows x [N, d] in groups of g features, by numbers [d]. */
    public static boolean fitPairs(Tensor x, Tensor direct, Tensor crossed, long group) {
        if (!fit(x, direct, crossed)) return false;
        long half = group / 2;
        boolean whole = half % Lanes.COUNT == 0;
        boolean within = half < Lanes.COUNT && half <= 8 && Long.bitCount(half) == 1;
        return x.size(1) % Lanes.COUNT == 0 && (whole || within);
    }

    /** {@link SparseProduct} of rows with these values of entries. */
    public static boolean fitEntries(Tensor x, Tensor y, Tensor values) {
        return fit(x, y, values);
    }

    /**
     * {@link WalshHadamard} of rows x [N, K·L].
     *
     * @param high H_K, [K, K]; null where K is 1
     */
    public static boolean fitHadamard(Tensor x, @Nullable Tensor high) {
        if (!fit(x) || high != null && !fit(high)) return false;
        long length = high == null ? x.size(1) : x.size(1) / high.size(0);
        return length % Lanes.COUNT == 0 && Lanes.COUNT <= 16;
    }

    /** Whether this processor has what {@link Parts} needs. */
    public static boolean haveParts() {
        return PRESENT && Lanes.COUNT == 16 && SmallProducts.PRESENT;
    }

    /** {@link Parts} of a matrix [out, in], for products with it and with its transpose. */
    public static boolean fitParts(long in, long out) {
        return haveParts() && in % Parts.SIDE == 0 && out % Parts.SIDE == 0;
    }

    /** Whether products of rows x [N, d] by {@link Parts} are worth it. */
    public static boolean repayParts(Tensor x) {
        return fit(x) && x.size(0) >= FEWEST_FOR_PARTS;
    }

    private static boolean fit(Tensor... tensors) {
        if (!PRESENT) return false;
        for (Tensor t : tensors)
            if (t.dtype() != DType.F32 || t.onGpu() || !t.isContiguous()) return false;
        return true;
    }
}
