package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.SparseProduct;

import org.jspecify.annotations.Nullable;

/**
 * Where the entries of a sparse matrix [out, in] lie. To be kept as long as they stay there: what a
 * kernel works out from them is made once.
 */
public final class Places {
    private final long[] flat;
    private final int out;
    private final int in;
    private @Nullable SparseProduct kernel;

    /**
     * @param flat output · in + input, [k], no two alike
     * @param out width of what comes out
     * @param in width of what goes in
     */
    public Places(long[] flat, int out, int in) {
        this.flat = flat;
        this.out = out;
        this.in = in;
    }

    int out() {
        return out;
    }

    int in() {
        return in;
    }

    /** output · in + input, [k] (I64). */
    Tensor indices() {
        return Tensor.of(flat);
    }

    synchronized SparseProduct kernel() {
        SparseProduct made = kernel;
        if (made == null) {
            made = new SparseProduct(flat, out, in);
            kernel = made;
        }
        return made;
    }

    long bytes() {
        return 8L * flat.length;
    }
}
