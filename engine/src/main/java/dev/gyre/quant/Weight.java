package dev.gyre.quant;

import dev.gyre.linear.LinearMap;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.Optional;

/** A frozen weight [out, in] in some encoding. Only its own class unpacks it. */
public interface Weight extends LinearMap {
    /** Rows of the matrix, for an embedding: ids [N] (I64) → [N, in], in the compute type. */
    Tensor rows(Tensor ids);

    /**
     * Rows {@code from} … {@code from + rows − 1} of the matrix, [rows, in], in the compute type.
     */
    Tensor panel(long from, long rows);

    /** The encoding's name, as {@code gyre inspect} shows it. */
    String encoding();

    /**
     * The weight that this one was encoded from when the model was loaded, and of which it lost
     * something; empty where it is as its file has it.
     */
    default Optional<Weight> original() {
        return Optional.empty();
    }

    @Override
    default List<Var> variables() {
        return List.of();
    }

    @Override
    default Tensor backward(Tensor x, Tensor dy) {
        return transposeTimes(dy);
    }
}
