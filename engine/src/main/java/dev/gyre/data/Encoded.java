package dev.gyre.data;

/**
 * An example as the model sees it.
 *
 * @param ids token ids
 * @param learned for each token whether its prediction from the tokens before it is learned; same
 *     length; never the first
 * @param where file and line it came from
 */
@SuppressWarnings("ArrayRecordComponent") // made once and read; nobody compares them
public record Encoded(int[] ids, boolean[] learned, String where) {}
