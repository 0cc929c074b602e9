package dev.gyre.model;

import dev.gyre.quant.BaseEncoding;

/**
 * How a model is loaded.
 *
 * @param recomputes whether training computes a block's activations again instead of keeping them
 * @param encoding how the weights of its linear maps are kept
 */
public record Loading(boolean recomputes, BaseEncoding encoding) {
    /** As the files have it, to be used and not trained in little memory. */
    public static final Loading PLAIN = new Loading(false, BaseEncoding.STORED);

    /** Plain, but encoded so. */
    public static Loading as(BaseEncoding encoding) {
        return new Loading(false, encoding);
    }
}
