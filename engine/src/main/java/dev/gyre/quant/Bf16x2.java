package dev.gyre.quant;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.Parts;

import java.util.Optional;

/**
 * A weight whose products with many rows are made of bf16 parts (see {@link Parts}); with few rows
 * they are the source's own. A number that is one of bf16 has one part, as those of most models'
 * files; then only the rows' numbers are rounded, to 16 bits.
 */
final class Bf16x2 implements Weight {
    /** Rows that are taken apart at a time. */
    private static final long PANEL = 4096;

    private final Weight source;
    private final Tensor parts;

    private Bf16x2(Weight source, Tensor parts) {
        this.source = source;
        this.parts = parts;
    }

    /**
     * Takes a weight apart.
     *
     * @param home owns the parts
     */
    static Weight of(Weight source, Scope home) {
        if (!Kernels.fitParts(source.in(), source.out())) return source;
        try (var _ = Scope.open()) {
            Tensor parts = Tensor.empty(DType.BF16, 2, source.out(), source.in());
            for (long from = 0; from < source.out(); from += PANEL)
                try (var _ = Scope.open()) {
                    long rows = Math.min(PANEL, source.out() - from);
                    Parts.split(source.panel(from, rows).contiguous(), parts, from);
                }
            boolean one = parts.narrow(0, 1, 1).abs().max().item() == 0;
            return new Bf16x2(source, home.adopt(one ? parts.narrow(0, 0, 1).copy() : parts));
        }
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
        if (!Kernels.repayParts(x)) return source.times(x);
        try (var here = Scope.open()) {
            return here.give(Parts.of(x).times(parts));
        }
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        if (!Kernels.repayParts(dy)) return source.transposeTimes(dy);
        try (var here = Scope.open()) {
            return here.give(Parts.of(dy).transposeTimes(parts));
        }
    }

    @Override
    public Tensor rows(Tensor ids) {
        return source.rows(ids);
    }

    @Override
    public Tensor panel(long from, long rows) {
        return source.panel(from, rows);
    }

    @Override
    public Tensor dense() {
        return source.dense();
    }

    @Override
    public Optional<Weight> original() {
        return source.original();
    }

    @Override
    public String encoding() {
        return "bf16x2";
    }

    @Override
    public long bytes() {
        return parts.bytes();
    }
}
