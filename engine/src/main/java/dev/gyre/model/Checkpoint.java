package dev.gyre.model;

import dev.gyre.quant.Weight;
import dev.gyre.tensor.Tensor;

/** Where a model's parameters come from, under the names that Hugging Face gives them. */
public interface Checkpoint {
    boolean has(String name);

    /**
     * A matrix of the expected shape, as the checkpoint has it, to look rows up in.
     *
     * @throws dev.gyre.config.UserError when it is missing or has another shape
     */
    Weight table(String name, long out, long in);

    /**
     * An output head of the expected shape, in the encoding that heads are kept in.
     *
     * @throws dev.gyre.config.UserError when it is missing or has another shape
     */
    Weight head(String name, long out, long in);

    /**
     * A matrix of the expected shape, in the encoding that linear layers are kept in.
     *
     * @throws dev.gyre.config.UserError when it is missing or has another shape
     */
    Weight weight(String name, long out, long in);

    /**
     * A vector of the expected length, in the compute type.
     *
     * @throws dev.gyre.config.UserError when it is missing or has another shape
     */
    Tensor vector(String name, long length);
}
