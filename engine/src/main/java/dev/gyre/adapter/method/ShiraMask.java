package dev.gyre.adapter.method;

import java.util.BitSet;

/** Where SHiRA's entries lie. */
public enum ShiraMask {
    /** Anywhere. */
    RANDOM("random"),
    /** Where the weight is largest in size. */
    WEIGHT("wm"),
    /** On the diagonal and in rows at equal distances. */
    STRUCT("struct"),
    /** Where the loss's gradient is largest in size. */
    GRADIENT("grad"),
    /** Where weight times gradient is largest in size (SNIP, arXiv 1810.02340). */
    SNIP("snip");

    /** The paper's word for it; of these PEFT itself makes random masks alone. */
    final String word;

    ShiraMask(String word) {
        this.word = word;
    }

    boolean needsGradients() {
        return this == GRADIENT || this == SNIP;
    }

    /** The diagonal, then rows at equal distances, as many as there is room for. */
    static int[] regularly(int in, int out, int k) {
        var taken = new BitSet(in * out);
        for (int i = 0; i < Math.min(Math.min(in, out), k); i++) taken.set(i * in + i);
        int rows = Math.max(1, (k - taken.cardinality()) / in);
        // Rows 0, f, 2f, …; what is left of the budget goes to the rows after them.
        int apart = Math.max(1, out / rows);
        int left = k - taken.cardinality();
        for (int shift = 0; shift < apart && left > 0; shift++) {
            for (int row = shift; row < out && left > 0; row += apart) {
                for (int at = row * in; at < (row + 1) * in && left > 0; at++) {
                    if (taken.get(at)) continue;
                    taken.set(at);
                    left--;
                }
            }
        }
        return taken.stream().toArray();
    }
}
