package dev.gyre.model;

import dev.gyre.quant.BaseEncoding;

/**
 * How a model is loaded.
 *
 * @param activations what training keeps of a forward pass
 * @param encoding how the weights of its linear maps are kept
 */
public record Loading(Activations activations, BaseEncoding encoding) {
    /** Weights as the files have them. */
    public static final Loading PLAIN = new Loading(Activations.KEEP, BaseEncoding.STORED);

    /** Plain, but encoded so. */
    public static Loading as(BaseEncoding encoding) {
        return new Loading(Activations.KEEP, encoding);
    }
}
