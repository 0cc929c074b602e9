package dev.gyre.linear;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A matrix with a few frequencies: M[a, b] = s/(m·n) · Σ c_l · cos(2π·(u_l·a/m + v_l·b/n)), the
 * real part of a two-dimensional inverse Fourier transform (FourierFT, arXiv 2405.03003). Rows are
 * multiplied by it through one-dimensional transforms, without the matrix: transform x, pick the
 * inputs' frequencies, weigh them, add them up at the outputs' frequencies, transform back.
 *
 * @param values c, [k]
 * @param outputs u and its fold
 * @param inputs v and its fold
 * @param scale s
 */
public record Spectral(Var values, Waves outputs, Waves inputs, double scale) implements LinearMap {

    /**
     * Frequencies along one side, folded into the half that a real signal's transform keeps:
     * frequency w above n/2 is n − w conjugated.
     *
     * @param size n
     * @param folded [k] (I64), 0 … n/2
     * @param signs [k], +1 where folded and −1 where not
     */
    public record Waves(long size, Tensor folded, Tensor signs) {
        /**
         * @param frequencies [k], 0 … size−1, in the type of the values that will meet them
         */
        public static Waves of(long size, Tensor frequencies) {
            try (var here = Scope.open()) {
                Tensor lower = frequencies.below((size + 1) / 2.0).to(frequencies.dtype());
                Tensor signs = lower.times(-2).plus(1);
                // w below the half, size − w above it.
                Tensor folded = frequencies.times(signs.negate()).plusInPlace(signs, size / 2.0);
                folded.plusInPlace(size / 2.0);
                return new Waves(size, here.give(folded.to(DType.I64)), here.give(signs));
            }
        }

        /** Σ x[b]·e^{2πi·w·b/n} for each frequency w: x [N, n] → two [k, N]. */
        Tensor[] analysed(Tensor x) {
            Tensor all = x.rfft().permute(1, 2, 0).contiguous();
            Tensor mine = all.indexSelect(0, folded);
            return new Tensor[] {mine.select(1, 0), mine.select(1, 1).times(signs.unsqueeze(1))};
        }

        /** Re Σ z_w·e^{2πi·w·a/n} at each place a: z, two [k, N] → [N, n]. */
        Tensor synthesised(Tensor re, Tensor im) {
            // e^{2πi·w·a/n}·z and e^{2πi·(n−w)·a/n}·z̄ have one real part. The inverse transform
            // counts every frequency twice but 0 and n/2.
            Tensor z = Tensor.zeros(re.dtype(), size / 2 + 1, 2, re.size(1));
            z.select(1, 0).indexAddInPlace(0, folded, re);
            z.select(1, 1).indexAddInPlace(0, folded, im.times(signs.negate().unsqueeze(1)));
            z.timesInPlace(size / 2.0);
            z.select(0, 0).timesInPlace(2);
            if (size % 2 == 0) z.select(0, size / 2).timesInPlace(2);
            return z.permute(2, 0, 1).contiguous().irfft(size);
        }
    }

    @Override
    public long in() {
        return inputs.size;
    }

    @Override
    public long out() {
        return outputs.size;
    }

    private Tensor weights() {
        return values.value().times(scale / ((double) out() * in())).unsqueeze(1);
    }

    private Tensor through(Tensor x, Waves from, Waves to) {
        try (var here = Scope.open()) {
            Tensor[] z = from.analysed(x);
            Tensor c = weights();
            return here.give(to.synthesised(z[0].times(c), z[1].times(c)));
        }
    }

    @Override
    public Tensor times(Tensor x) {
        return through(x, inputs, outputs);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return through(dy, outputs, inputs);
    }

    /** dc_l = s/(m·n) · Σ Re(X_l · Y_l), with X and Y the transforms of x and dy. */
    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        try (var here = Scope.open()) {
            Tensor[] y = outputs.analysed(dy);
            if (values.needsGradient()) {
                Tensor[] z = inputs.analysed(x);
                Tensor both = z[0].times(y[0]).plusProductInPlace(z[1], y[1], -1);
                values.gradientBuffer()
                        .plusInPlace(both.sum(1, false), scale / ((double) out() * in()));
            }
            Tensor c = weights();
            return here.give(inputs.synthesised(y[0].times(c), y[1].times(c)));
        }
    }

    @Override
    public List<Var> variables() {
        return List.of(values);
    }

    @Override
    public Tensor dense() {
        return transposeTimes(Tensor.eye(values.value().dtype(), out()));
    }

    @Override
    public long bytes() {
        return values.value().bytes() + outputs.folded.bytes() + inputs.folded.bytes();
    }
}
