package dev.gyre.linear;

import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.CayleySeries;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.SquareBlocks;

/** A map from skew-symmetric matrices Q to (nearly) orthogonal R, with its derivative. */
public sealed interface Cayley {
    /** Q [r, b, b] → R [r, b, b]. */
    Tensor rotation(Tensor q);

    /** The gradient at Q, up to its symmetric part, from G = dL/dR [r, b, b]. */
    Tensor pullback(Tensor q, Tensor g);

    /** The products of two stacks of square matrices. */
    private static Tensor product(Tensor a, Tensor b) {
        if (!Kernels.fitSquares(a, b)) return a.matmul(b);
        Tensor out = a.emptyLike();
        SquareBlocks.product(a, b, out);
        return out;
    }

    /**
     * R of a packed vector, on a tape. Only v is kept for the backward pass; Q is built again
     * there.
     *
     * @param v [r, b(b−1)/2]
     * @return [r, b, b]
     */
    default Var apply(Tape tape, Var v, int b) {
        Tensor r;
        try (var here = Scope.open()) {
            r = here.give(rotationOf(v.value(), b));
        }
        if (!tape.needs(v)) return Var.constant(r);
        Tensor kept = tape.save(v.value());
        return tape.record(r, g -> v.accumulate(gradientOf(kept, b, g)));
    }

    /** R of a packed vector v [r, b(b−1)/2]. */
    default Tensor rotationOf(Tensor v, int b) {
        return rotation(Skew.of(b).matrix(v));
    }

    /** The gradient at a packed vector, from G = dL/dR [r, b, b]. */
    default Tensor gradientOf(Tensor v, int b, Tensor g) {
        Skew skew = Skew.of(b);
        return skew.gradient(pullback(skew.matrix(v), g));
    }

    /**
     * The truncated Neumann series of the Cayley transform (CNP, OFTv2 and PEFT ≥ 0.18): R = I + 2Q
     * + … + 2Qᴷ⁻¹ + Qᴷ with K = max(terms − 1, 3), and R = I + 2Q for two terms. The legacy form,
     * of PEFT 0.16 and 0.17, is I + 2ΣQⁱ for i = 1 … terms−1.
     *
     * @param terms PEFT's {@code num_cayley_neumann_terms}, 2 or more; 3 and 4 are the same
     *     polynomial
     */
    record Neumann(int terms, boolean legacy) implements Cayley {
        public Neumann {
            if (terms < 2)
                throw new IllegalArgumentException("terms must be 2 or more, not " + terms);
        }

        @Override
        public Tensor rotationOf(Tensor v, int b) {
            if (!usual() || !Kernels.fitSeries(v, b)) return Cayley.super.rotationOf(v, b);
            Tensor r = Tensor.empty(v.dtype(), v.size(0), b, b);
            CayleySeries.rotation(v, r);
            return r;
        }

        @Override
        public Tensor gradientOf(Tensor v, int b, Tensor g) {
            if (!usual() || !Kernels.fitSeries(v, b)) return Cayley.super.gradientOf(v, b, g);
            Tensor dv = v.emptyLike();
            CayleySeries.gradient(v, g.contiguous(), dv);
            return dv;
        }

        /** PEFT's own number of terms, for which there are shorter ways. */
        private boolean usual() {
            return terms == 5 && !legacy;
        }

        private int degree() {
            if (legacy || terms == 2) return terms - 1;
            return Math.max(terms - 1, 3);
        }

        private double coefficient(int power) {
            if (power == 0) return 1;
            return power == degree() && !legacy && terms > 2 ? 1 : 2;
        }

        @Override
        public Tensor rotation(Tensor q) {
            if (usual()) {
                // (I + 2Q + S)(I + S) with S = Q²: two products instead of three.
                Tensor s = product(q, q);
                Tensor identity = Tensor.eye(q.dtype(), q.size(1));
                return product(s.plus(identity).plusInPlace(q, 2), s.plus(identity));
            }
            return horner(q, 0);
        }

        /** P_j = c_j·I + Q·P_(j+1), with P_K = c_K·I; R = P_0. */
        private Tensor horner(Tensor q, int j) {
            Tensor identity = Tensor.eye(q.dtype(), q.size(1));
            int last = degree();
            if (j == last) return identity.timesInPlace(coefficient(last)).expand(q.shape());
            Tensor p = q.times(coefficient(last)).plusInPlace(identity, coefficient(last - 1));
            for (int i = last - 2; i >= j; i--)
                p = product(q, p).plusInPlace(identity, coefficient(i));
            return p;
        }

        @Override
        public Tensor pullback(Tensor q, Tensor g) {
            if (usual()) return pullbackOfDegree4(q, g);
            return pullbackOfAnyDegree(q, g);
        }

        /** The general form: dQ += dP·P_(j+1)ᵀ, dP = Qᵀ·dP, for j = 0 … K−1. */
        Tensor pullbackOfAnyDegree(Tensor q, Tensor g) {
            Tensor dp = g;
            Tensor dq = q.zerosLike();
            Tensor qt = q.transpose(1, 2);
            for (int j = 0; j < degree(); j++) {
                dq.plusBmmInPlace(dp, horner(q, j + 1).transpose(1, 2));
                dp = qt.matmul(dp);
            }
            return dq;
        }

        /**
         * With S = Q², A = I + 2Q + S, B = I + S and R = A·B: D = G·B + (I − 2Q + S)·G and, for M =
         * D + Dᵀ, dQ = 2·G·B − M·Q up to symmetric parts.
         */
        private Tensor pullbackOfDegree4(Tensor q, Tensor g) {
            Tensor s = product(q, q);
            Tensor b = s.plus(Tensor.eye(q.dtype(), q.size(1)));
            Tensor da = product(g, b);
            Tensor d = product(b.plusInPlace(q, -2), g).plusInPlace(da);
            return da.timesInPlace(2).minus(product(d.plus(d.transpose(1, 2)), q));
        }
    }

    /**
     * The exact Cayley transform in the sign that PEFT uses: R = (I − Q)(I + Q)⁻¹, the inverse of
     * the limit of {@link Neumann}. Its derivative needs R alone: Γ = −½ (I + Rᵀ) G (I + Rᵀ).
     */
    record Exact() implements Cayley {
        @Override
        public Tensor rotation(Tensor q) {
            if (Kernels.fitSquares(q, q)) {
                Tensor r = q.emptyLike();
                SquareBlocks.cayley(q, r);
                return r;
            }
            Tensor identity = identity(q);
            // X·(I + Q) = (I − Q), solved as (I + Q)ᵀ·Xᵀ = (I − Q)ᵀ; transposing Q changes its
            // sign.
            Tensor minus = identity.minus(q);
            Tensor plus = identity.plus(q);
            return minus.solve(plus).transpose(1, 2).contiguous();
        }

        @Override
        public Tensor pullback(Tensor q, Tensor g) {
            return pullbackAt(rotation(q), g);
        }

        private static Tensor identity(Tensor like) {
            return Tensor.eye(like.dtype(), like.size(1));
        }

        /** {@link #pullback}, from R where it is known. */
        public Tensor pullbackAt(Tensor r, Tensor g) {
            Tensor rt = r.transpose(1, 2).contiguous().plusInPlace(identity(r));
            return product(product(rt, g.contiguous()), rt).timesInPlace(-0.5);
        }
    }
}
