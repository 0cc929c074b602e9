package dev.gyre.quant;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Int8Matrix;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.RowDigits;

import org.jspecify.annotations.Nullable;

/**
 * A weight as signed 8-bit codes with a scale for each output, W ≈ diag(s)·C (vector-wise,
 * LLM.int8, arXiv 2208.07339, section 2), multiplied with rows of 16 bits by two products of 8-bit
 * integers (see {@link RowDigits}). In the product with the transpose the scales go into the rows,
 * (dy ⊙ s)·C, and these have 8 bits. A row's result depends on that row alone.
 */
public final class Int8 implements Weight {
    /** A few large activations would crush the others in 8 bits; gradients need no second digit. */
    private static final int DIGITS = 2;

    private static final int GRADIENT_DIGITS = 1;

    /** Rows that are encoded at a time. */
    private static final long PANEL = 4096;

    private final Weight source;
    private final Int8Matrix forward;
    private final @Nullable Int8Matrix transposed;
    private final Tensor scales;
    private final Tensor ones;

    private Int8(
            Weight source,
            Int8Matrix forward,
            @Nullable Int8Matrix transposed,
            Tensor scales,
            Tensor ones) {
        this.source = source;
        this.forward = forward;
        this.transposed = transposed;
        this.scales = scales;
        this.ones = ones;
    }

    /**
     * Encodes a weight.
     *
     * @param source kept for {@link #rows} and {@link #dense}
     * @param home owns the encoded copies
     */
    public static Int8 of(Weight source, Scope home) {
        return of(source, home, true);
    }

    /**
     * Encodes an output head. The gradient of its logits is the softmax: one number near 1 and
     * thousands far below a 127th of it, which 8 bits would lose, so the product with the transpose
     * stays the source's own.
     */
    public static Int8 head(Weight source, Scope home) {
        return of(source, home, false);
    }

    private static Int8 of(Weight source, Scope home, boolean bothWays) {
        try (var _ = Scope.open()) {
            Tensor codes = Tensor.empty(DType.I8, source.out(), source.in());
            Tensor scales = Tensor.empty(DType.F32, source.out());
            for (long from = 0; from < source.out(); from += PANEL) {
                long rows = Math.min(PANEL, source.out() - from);
                try (var _ = Scope.open()) {
                    Tensor w = source.panel(from, rows);
                    Tensor s = scales(w);
                    scales.narrow(0, from, rows).copyFrom(s);
                    codes.narrow(0, from, rows).copyFrom(codes(w, s).to(DType.I8));
                }
            }
            Tensor none = Tensor.ones(DType.F32, source.in());
            return new Int8(
                    source,
                    Int8Matrix.pack(codes, scales, home),
                    bothWays
                            ? Int8Matrix.pack(codes.transpose(0, 1).contiguous(), none, home)
                            : null,
                    home.adopt(scales),
                    home.adopt(none));
        }
    }

    /** max|row| / 127, [out]. */
    private static Tensor scales(Tensor w) {
        return w.abs().max(1).timesInPlace(1 / 127.0);
    }

    /** Whole numbers from −127 to 127, in f32; rows of zeros give zeros. */
    private static Tensor codes(Tensor w, Tensor scales) {
        return w.dividedBy(divisors(scales)).roundInPlace();
    }

    /** [N, 1]; 1 in the place of 0. */
    private static Tensor divisors(Tensor scales) {
        return scales.plus(scales.equalTo(0).to(DType.F32)).unsqueeze(1);
    }

    @Override
    public long in() {
        return source.in();
    }

    @Override
    public long out() {
        return source.out();
    }

    @Override
    public Tensor times(Tensor x) {
        return product(x, ones, forward, DIGITS);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return transposed == null
                ? source.transposeTimes(dy)
                : product(dy, scales, transposed, GRADIENT_DIGITS);
    }

    private static Tensor product(Tensor x, Tensor factors, Int8Matrix matrix, int digitsOfRow) {
        try (var here = Scope.open()) {
            Tensor rows = x.to(DType.F32).contiguous();
            long n = rows.size(0);
            Tensor digits = Tensor.empty(DType.U8, digitsOfRow * n, rows.size(1));
            Tensor scale = Tensor.empty(DType.F32, n);
            if (Kernels.fitDigits(rows)) RowDigits.split(rows, factors, digits, scale);
            else split(rows.times(factors), digits, scale);
            Tensor products = matrix.times(digits);
            Tensor y = Tensor.empty(DType.F32, n, products.size(1));
            if (Kernels.fitDigits(products)) RowDigits.join(products, scale, y);
            else join(products, scale, y);
            return here.give(y.to(x.dtype()));
        }
    }

    /** As {@link RowDigits#split}. */
    private static void split(Tensor x, Tensor digits, Tensor scale) {
        long n = x.size(0);
        scale.copyFrom(scales(x));
        Tensor v = x.dividedBy(divisors(scale));
        Tensor first = v.copy().roundInPlace();
        digits.narrow(0, 0, n).copyFrom(first.plus(Int8Matrix.ZERO_POINT));
        if (digits.size(0) == n) return;
        Tensor second = v.minus(first).timesInPlace(RowDigits.STEPS).roundInPlace();
        digits.narrow(0, n, n).copyFrom(second.plusInPlace(Int8Matrix.ZERO_POINT));
    }

    /** As {@link RowDigits#join}. */
    private static void join(Tensor products, Tensor scale, Tensor y) {
        long n = y.size(0);
        y.copyFrom(products.narrow(0, 0, n));
        if (products.size(0) > n) y.plusInPlace(products.narrow(0, n, n), 1.0 / RowDigits.STEPS);
        y.timesInPlace(scale.unsqueeze(1));
    }

    @Override
    public Tensor rows(Tensor ids) {
        try (var here = Scope.open()) {
            return here.give(rounded(source.rows(ids)));
        }
    }

    @Override
    public Tensor panel(long from, long rows) {
        try (var here = Scope.open()) {
            return here.give(rounded(source.panel(from, rows)));
        }
    }

    private static Tensor rounded(Tensor w) {
        Tensor s = scales(w);
        return codes(w, s).timesInPlace(s.unsqueeze(1));
    }

    @Override
    public Tensor dense() {
        return panel(0, out());
    }

    @Override
    public String encoding() {
        return "int8";
    }

    @Override
    public long bytes() {
        long back = transposed == null ? 0 : transposed.bytes();
        return forward.bytes() + back + scales.bytes() + ones.bytes();
    }
}
