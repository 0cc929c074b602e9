package dev.gyre.adapter.method;

import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tensor;

import java.util.List;

/** The first singular values and vectors of a large matrix. */
final class LowRank {
    /** Widths up to which the whole decomposition is as quick. */
    private static final long SMALL = 64;

    private static final int ITERATIONS = 10;
    private static final long SEED = 42;

    private LowRank() {}

    /**
     * U [m, r], S [r] and V [r, n] of a matrix [m, n]: exact for small ones, else by subspace
     * iteration from a random start (Halko et al., arXiv 0909.4061, algorithm 4.4).
     */
    static List<Tensor> svd(Tensor matrix, int rank) {
        if (Math.min(matrix.size(0), matrix.size(1)) <= Math.max(SMALL, 4L * rank))
            return first(matrix.svd(), rank);
        Tensor transposed = matrix.transpose(0, 1).contiguous();
        Tensor q;
        try (var random = Random.seeded(SEED)) {
            q = matrix.matmul(random.normal(matrix.size(1), rank)).qr().get(0);
        }
        for (int i = 0; i < ITERATIONS; i++)
            q = matrix.matmul(transposed.matmul(q).qr().get(0)).qr().get(0);
        List<Tensor> inner = q.transpose(0, 1).matmul(matrix).svd();
        return List.of(q.matmul(inner.get(0)), inner.get(1), inner.get(2));
    }

    private static List<Tensor> first(List<Tensor> svd, int rank) {
        return List.of(
                svd.get(0).narrow(1, 0, rank),
                svd.get(1).narrow(0, 0, rank),
                svd.get(2).narrow(0, 0, rank));
    }
}
