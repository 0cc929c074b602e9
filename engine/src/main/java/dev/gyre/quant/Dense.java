package dev.gyre.quant;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.Locale;

/**
 * A weight kept as plain numbers. Half-precision weights stay as they are and are widened for each
 * product, because products in f32 are faster and more exact on a CPU.
 *
 * @param values [out, in]; F64, F32, BF16 or F16
 */
public record Dense(Tensor values) implements Weight {
    public Dense {
        if (values.dim() != 2)
            throw new IllegalArgumentException("a weight is a matrix, not " + values);
    }

    /** A weight's numbers, decoded once. */
    static Dense decoded(Weight weight, Scope home) {
        if (weight instanceof Dense dense && dense.values.dtype() == dense.compute()) return dense;
        try (var _ = Scope.open()) {
            return new Dense(home.adopt(weight.dense()));
        }
    }

    private DType compute() {
        return values.dtype() == DType.F64 ? DType.F64 : DType.F32;
    }

    @Override
    public long in() {
        return values.size(1);
    }

    @Override
    public long out() {
        return values.size(0);
    }

    @Override
    public Tensor times(Tensor x) {
        return Tensor.empty(x.dtype(), x.size(0), out())
                .intoMatmul(x, values.to(x.dtype()).transpose(0, 1));
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return Tensor.empty(dy.dtype(), dy.size(0), in()).intoMatmul(dy, values.to(dy.dtype()));
    }

    @Override
    public Tensor rows(Tensor ids) {
        return values.indexSelect(0, ids).to(compute());
    }

    @Override
    public Tensor panel(long from, long rows) {
        return values.narrow(0, from, rows).to(compute());
    }

    @Override
    public Tensor dense() {
        return values.to(compute());
    }

    @Override
    public String encoding() {
        return values.dtype().name().toLowerCase(Locale.ROOT);
    }

    @Override
    public long bytes() {
        return values.bytes();
    }
}
