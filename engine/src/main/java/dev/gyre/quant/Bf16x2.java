package dev.gyre.quant;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.Parts;

/**
 * A weight of bf16 whose products with many rows are made of the rows' bf16 parts (see {@link
 * Parts}); with few rows they are the plain ones.
 *
 * @param plain [out, in], BF16
 */
record Bf16x2(Dense plain) implements Weight {
    /** Rows that are taken at a time. */
    private static final long PANEL = 4096;

    /**
     * A weight's numbers in bf16; where one of them is not of bf16, or the shape does not fit, the
     * weight is decoded to f32: two parts of each would need three products, which were no faster.
     *
     * @param home owns the copy, where the weight is not plain numbers of bf16 already
     */
    static Weight of(Weight source, Scope home) {
        if (!Kernels.fitParts(source.in(), source.out())) return Dense.decoded(source, home);
        if (source instanceof Dense dense && dense.values().dtype() == DType.BF16)
            return new Bf16x2(dense);
        try (var _ = Scope.open()) {
            Tensor values = Tensor.empty(DType.BF16, source.out(), source.in());
            for (long from = 0; from < source.out(); from += PANEL)
                try (var _ = Scope.open()) {
                    long rows = Math.min(PANEL, source.out() - from);
                    Tensor w = source.panel(from, rows);
                    Tensor narrow = w.to(DType.BF16);
                    if (!narrow.to(w.dtype()).sameAs(w)) return Dense.decoded(source, home);
                    values.narrow(0, from, rows).copyFrom(narrow);
                }
            return new Bf16x2(new Dense(home.adopt(values)));
        }
    }

    @Override
    public long in() {
        return plain.in();
    }

    @Override
    public long out() {
        return plain.out();
    }

    @Override
    public Tensor times(Tensor x) {
        if (!Kernels.repayParts(x)) return plain.times(x);
        try (var here = Scope.open()) {
            return here.give(Parts.of(x).times(plain.values()));
        }
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        if (!Kernels.repayParts(dy)) return plain.transposeTimes(dy);
        try (var here = Scope.open()) {
            return here.give(Parts.of(dy).transposeTimes(plain.values()));
        }
    }

    @Override
    public Tensor rows(Tensor ids) {
        return plain.rows(ids);
    }

    @Override
    public Tensor panel(long from, long rows) {
        return plain.panel(from, rows);
    }

    @Override
    public Tensor dense() {
        return plain.dense();
    }

    @Override
    public String encoding() {
        return "bf16x2";
    }

    @Override
    public long bytes() {
        return plain.bytes();
    }
}
