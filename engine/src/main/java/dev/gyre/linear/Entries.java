package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.Kernels;

import java.util.List;

/**
 * A matrix that is zero but for some entries, s·values. Products and gradients cost as much as
 * there are entries, by a kernel where it applies; otherwise, for many rows, the matrix is made for
 * the occasion, and for a few rows the entries' features are gathered.
 *
 * @param values [k]
 * @param scale s
 */
public record Entries(Var values, Places places, double scale) implements LinearMap {
    /** Rows up to which it gathers: then a product reads less memory than the matrix has. */
    private static final long FEW = 4;

    public Entries(Var values, Places places) {
        this(values, places, 1);
    }

    private Tensor scaled(Tensor fresh) {
        return scale == 1 ? fresh : fresh.timesInPlace(scale);
    }

    @Override
    public long in() {
        return places.in();
    }

    @Override
    public long out() {
        return places.out();
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor y = Tensor.zeros(x.dtype(), x.size(0), out());
        addTimes(y, x);
        return y;
    }

    @Override
    public void addTimes(Tensor y, Tensor x) {
        if (x.size(0) <= FEW) {
            Tensor at = places.indices();
            Tensor products = x.indexSelect(1, at.remainder(in())).times(values.value());
            y.indexAddInPlace(1, at.floorDividedBy(in()), scaled(products));
        } else if (Kernels.fitEntries(x, y, values.value())) {
            places.kernel().addProduct(values.value(), (float) scale, x, y);
        } else {
            y.plusMatmulInPlace(x, dense().transpose(0, 1), 1);
        }
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dy.matmul(dense());
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        if (!values.needsGradient()) return transposeTimes(dy);
        Tensor sums = values.gradientBuffer();
        if (Kernels.fitEntries(x, dy, values.value()) && sums.isContiguous()) {
            Tensor dx = x.emptyLike();
            places.kernel().backward(values.value(), (float) scale, x, dy, dx, sums);
            return dx;
        }
        // The gradient of the whole matrix, of which the entries are read.
        Tensor whole = dy.transpose(0, 1).matmul(x).view(-1);
        sums.plusInPlace(scaled(whole.indexSelect(0, places.indices())));
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of(values);
    }

    @Override
    public Tensor dense() {
        Tensor matrix = Tensor.zeros(values.value().dtype(), out() * in());
        return scaled(matrix.scatterInPlace(0, places.indices(), values.value())).view(out(), in());
    }

    @Override
    public long bytes() {
        return values.value().bytes() + places.bytes();
    }
}
