package dev.gyre.linear;

import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Packed skew-symmetric matrices. A vector v of b(b−1)/2 numbers is the strictly upper triangle,
 * row by row; Q[i,j] = +v[index(i,j)] and Q[j,i] = −v[index(i,j)] for i &lt; j, with index(i,j) =
 * i·b − i(i+1)/2 + (j−i−1). The order is that of {@code triu_indices(b, b, 1)}, as PEFT packs it.
 */
public final class Skew {
    private static final ConcurrentHashMap<Integer, Skew> BY_SIZE = new ConcurrentHashMap<>();

    private final int b;
    private final Tensor unpack;
    private final Tensor pack;

    private Skew(int b) {
        this.b = b;
        int n = packed(b);
        long[] into = new long[b * b];
        long[] upper = new long[n];
        for (int i = 0, k = 0; i < b; i++) {
            into[i * b + i] = 2L * n;
            for (int j = i + 1; j < b; j++, k++) {
                into[i * b + j] = k;
                into[j * b + i] = (long) n + k;
                upper[k] = (long) i * b + j;
            }
        }
        // The index tables of a block size are made once and live as long as the process.
        Scope forever = Scope.detached();
        try (var _ = Scope.open()) {
            unpack = forever.adopt(Tensor.of(into));
            pack = forever.adopt(Tensor.of(upper));
        }
    }

    /** For blocks of b × b. */
    public static Skew of(int b) {
        return BY_SIZE.computeIfAbsent(b, Skew::new);
    }

    /** Length of the packed vector, b(b−1)/2. */
    public static int packed(int b) {
        return b * (b - 1) / 2;
    }

    /**
     * The block size whose packed vector has this length.
     *
     * @throws IllegalArgumentException when no block has it
     */
    public static int blockSize(long packed) {
        int b = (int) Math.round((1 + Math.sqrt(1 + 8.0 * packed)) / 2);
        if (packed(b) != packed)
            throw new IllegalArgumentException(
                    packed + " is not b(b−1)/2 for any whole block size b");
        return b;
    }

    /** v [r, b(b−1)/2] → Q [r, b, b]. */
    public Tensor matrix(Tensor v) {
        Tensor signed =
                Tensor.cat(List.of(v, v.negate(), Tensor.zeros(v.dtype(), v.size(0), 1)), 1);
        return signed.indexSelect(1, unpack).view(v.size(0), b, b);
    }

    /** The strictly upper triangle of X [r, b, b], packed as [r, b(b−1)/2]. */
    public Tensor upper(Tensor x) {
        return x.reshape(x.size(0), (long) b * b).indexSelect(1, pack);
    }

    /** The gradient at v from the gradient at Q (any matrix K): K[i,j] − K[j,i]. */
    public Tensor gradient(Tensor k) {
        return upper(k.minus(k.transpose(1, 2)));
    }
}
