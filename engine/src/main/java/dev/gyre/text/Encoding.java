package dev.gyre.text;

/**
 * The tokens of a text and where they lie in it.
 *
 * @param ids token ids
 * @param starts for each token the index of its first {@code char} in the text
 * @param ends for each token the index after its last {@code char}; equal to the start for a token
 *     that the tokenizer added. Where several tokens share a character (byte-level pieces of an
 *     emoji), each spans all of it
 */
@SuppressWarnings("ArrayRecordComponent") // made once and read; nobody compares encodings
public record Encoding(int[] ids, int[] starts, int[] ends) {
    /** Checks the lengths. */
    public Encoding {
        if (ids.length != starts.length || ids.length != ends.length)
            throw new IllegalArgumentException("ids, starts and ends differ in length");
    }

    /** Number of tokens. */
    public int length() {
        return ids.length;
    }
}
