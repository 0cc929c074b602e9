package dev.gyre.adapter.method;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;

import java.util.List;

/**
 * The steps on A and B whose joint effect on the weight, s·B·g_A + s·g_B·A, is the nearest to its
 * gradient g (LoRA-Pro, arXiv 2407.18242). With LoRA's own gradients a = s·Bᵀ·g and b = s·g·Aᵀ,
 *
 * <pre>
 * g_A = (BᵀB)⁻¹·a / s² + X·A
 * g_B = (I − B·(BᵀB)⁻¹·Bᵀ)·b·(AAᵀ)⁻¹ / s² − B·X
 * </pre>
 *
 * for any X; the X that leaves both nearest to a and b solves BᵀB·X + X·AAᵀ = −(BᵀB)⁻¹·a·Aᵀ / s².
 * The small matrices [r, r] are worked out in f64, damped so that B = 0 is no special case.
 *
 * @param a A, [r, in]
 * @param b B, [out, r]
 * @param scale s
 */
record Equivalent(Tensor a, Tensor b, double scale) {
    private static final double DAMPING = 1e-8;

    /**
     * Steps on A and B.
     *
     * @param a [r, in]
     * @param b [out, r]
     */
    record Direction(Tensor a, Tensor b) {}

    /**
     * The steps from LoRA's own gradients.
     *
     * @param balanced with the X of the class's comment; otherwise X = 0, which does the same to
     *     the weight
     */
    Direction direction(Tensor ga, Tensor gb, boolean balanced) {
        DType type = a.dtype();
        Tensor aa = wide(a).matmul(wide(a).transpose(0, 1));
        Tensor bb = wide(b).transpose(0, 1).matmul(wide(b));
        double square = 1 / (scale * scale);
        Tensor da = damped(bb).solve(wide(ga)).times(square);
        // b·(AAᵀ)⁻¹ as the transpose of (AAᵀ)⁻¹·bᵀ
        Tensor db = damped(aa).solve(wide(gb).transpose(0, 1).contiguous()).transpose(0, 1);
        Tensor inside = damped(bb).solve(wide(b).transpose(0, 1).matmul(db));
        db = db.minus(wide(b).matmul(inside)).times(square);
        if (balanced) {
            Tensor c = da.matmul(wide(a).transpose(0, 1)).negate();
            Tensor x = sylvester(bb, aa, c);
            da = da.plus(x.matmul(wide(a)));
            db = db.minus(wide(b).matmul(x));
        }
        return new Direction(da.to(type), db.to(type));
    }

    /** What two steps do to the weight together, [out, in]. */
    Tensor onWeight(Direction d) {
        return b.matmul(d.a).plusMatmulInPlace(d.b, a, 1).timesInPlace(scale);
    }

    private static Tensor wide(Tensor t) {
        return t.to(DType.F64);
    }

    private static Tensor damped(Tensor square) {
        return square.plus(Tensor.eye(square.dtype(), square.size(0)).timesInPlace(DAMPING));
    }

    /** X of P·X + X·Q = C, P and Q symmetric and not negative, Q of full rank. */
    private static Tensor sylvester(Tensor p, Tensor q, Tensor c) {
        // Of such a matrix the left singular vectors are eigenvectors.
        List<Tensor> left = p.svd();
        List<Tensor> right = q.svd();
        Tensor u = left.get(0);
        Tensor v = right.get(0);
        Tensor sums = left.get(1).unsqueeze(1).plus(right.get(1).unsqueeze(0)).plus(DAMPING);
        Tensor inner = u.transpose(0, 1).matmul(c).matmul(v).dividedBy(sums);
        return u.matmul(inner).matmul(v.transpose(0, 1));
    }
}
