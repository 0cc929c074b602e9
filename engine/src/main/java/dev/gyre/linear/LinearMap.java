package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.Optional;

/**
 * A linear map M of shape [out, in], applied to the rows of a matrix: x ↦ x·Mᵀ. It is held in a
 * form that is cheaper than the matrix, or encoded, and may hold variables that learn.
 */
public interface LinearMap {
    /** Width of the rows that go in. */
    long in();

    /** Width of the rows that come out. */
    long out();

    /** x [N, in] → x·Mᵀ [N, out]. */
    Tensor times(Tensor x);

    /** dy [N, out] → dy·M [N, in]: the gradient at x. */
    Tensor transposeTimes(Tensor dy);

    /**
     * The whole backward pass of {@link #times}: adds the gradients of ⟨dy, times(x)⟩ to those of
     * {@link #variables()} that learn, and returns the gradient at x.
     *
     * @param x [N, in], as {@code times} had it
     * @param dy [N, out]
     * @return [N, in]
     */
    Tensor backward(Tensor x, Tensor dy);

    /** As {@link #backward}; adds the gradient at x to dx. */
    default void addBackward(Tensor dx, Tensor x, Tensor dy) {
        dx.plusInPlace(backward(x, dy));
    }

    /** What {@link #backwardKept} reads of x; x itself where nothing smaller does. */
    default Tensor keep(Tensor x) {
        return x;
    }

    /**
     * As {@link #backward}.
     *
     * @param kept what {@link #keep} gave of x
     */
    default Tensor backwardKept(Tensor kept, Tensor dy) {
        return backward(kept, dy);
    }

    /** y += x·Mᵀ. */
    default void addTimes(Tensor y, Tensor x) {
        y.plusInPlace(times(x));
    }

    /** Rows of Mᵀ, for one-hot inputs: ids [N] (I64) → [N, out]. */
    default Tensor columns(Tensor ids) {
        return dense().transpose(0, 1).indexSelect(0, ids);
    }

    /** The backward pass of {@link #columns}: adds the gradients of ⟨dy, columns(ids)⟩. */
    default void backwardOfColumns(Tensor ids, Tensor dy) {
        throw new IllegalStateException(
                getClass().getSimpleName() + " does not learn at an embedding");
    }

    /** What may learn in it. */
    List<Var> variables();

    /** M itself, [out, in]; for merging and tests. */
    Tensor dense();

    /**
     * The same map as a product of two thin matrices, for files that know nothing else; empty where
     * it is none. It holds constants.
     */
    default Optional<Thin> thin() {
        return Optional.empty();
    }

    /** Bytes held. */
    long bytes();
}
