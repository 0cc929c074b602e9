package dev.gyre.model;

import dev.gyre.quant.BaseEncoding;

/**
 * How a model is loaded.
 *
 * @param activations what training keeps of a forward pass
 * @param encoding how the weights of its linear maps are kept
 * @param ignoreUnknown whether a file may hold tensors that the model does not know
 */
public record Loading(Activations activations, BaseEncoding encoding, boolean ignoreUnknown) {
    /** Weights as the files have them. */
    public static final Loading PLAIN = new Loading(Activations.KEEP, BaseEncoding.STORED, false);

    /** Plain, but encoded so. */
    public static Loading as(BaseEncoding encoding) {
        return new Loading(Activations.KEEP, encoding, false);
    }
}
