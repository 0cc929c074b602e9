package dev.gyre.model;

import java.util.ArrayList;
import java.util.List;

/**
 * The rows of one forward pass: the tokens of several sequences, one after another, without
 * padding. Attention never crosses a segment, so packed examples and a padded batch are the same
 * thing.
 *
 * @param ids token ids, [N]
 * @param positions of each token in its own sequence, [N]
 * @param starts first row of each segment, and N at the end
 * @param spans which adapters act on which rows; they cover 0 … N without gaps
 */
public record Tokens(int[] ids, int[] positions, int[] starts, List<Span> spans) {
    public Tokens {
        if (positions.length != ids.length || starts[starts.length - 1] != ids.length)
            throw new IllegalArgumentException("ids, positions and segments disagree");
        int row = 0;
        for (Span span : spans) {
            if (span.from() != row)
                throw new IllegalArgumentException("spans leave a gap at row " + row);
            row = span.to();
        }
        if (row != ids.length)
            throw new IllegalArgumentException("spans end at row " + row + " of " + ids.length);
    }

    /** Whole sequences from their beginnings, all with the same adapters. */
    public static Tokens of(List<int[]> sequences, List<Effects> adapters) {
        return of(
                sequences,
                sequences.stream().map(s -> adapters).toList(),
                sequences.stream().map(s -> 0).toList());
    }

    /**
     * Sequences with their own adapters and, where a cache holds their beginnings, their own first
     * positions.
     *
     * @param adapters of each sequence; neighbours with the same list share a span
     * @param first position of each sequence's first row
     */
    public static Tokens of(
            List<int[]> sequences, List<List<Effects>> adapters, List<Integer> first) {
        int total = sequences.stream().mapToInt(s -> s.length).sum();
        int[] ids = new int[total];
        int[] positions = new int[total];
        int[] starts = new int[sequences.size() + 1];
        var spans = new ArrayList<Span>();
        int row = 0;
        for (int s = 0; s < sequences.size(); s++) {
            int[] sequence = sequences.get(s);
            for (int i = 0; i < sequence.length; i++) {
                ids[row + i] = sequence[i];
                positions[row + i] = first.get(s) + i;
            }
            boolean joins = !spans.isEmpty() && spans.getLast().adapters().equals(adapters.get(s));
            int from = joins ? spans.removeLast().from() : row;
            row += sequence.length;
            starts[s + 1] = row;
            spans.add(new Span(from, row, adapters.get(s)));
        }
        return new Tokens(ids, positions, starts, spans);
    }

    public int rows() {
        return ids.length;
    }

    public int segments() {
        return starts.length - 1;
    }
}
