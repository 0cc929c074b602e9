package dev.gyre.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** The nearest known word to an unknown one, for "did you mean". */
public final class NearMiss {
    private NearMiss() {}

    /** The nearest word, if it is near enough to be a slip. */
    public static Optional<String> of(String word, Collection<String> known) {
        int limit = Math.max(1, Math.min(3, word.length() / 2));
        return known.stream()
                .filter(k -> distance(word, k) <= limit)
                .min(
                        Comparator.comparingInt((String k) -> distance(word, k))
                                .thenComparing(k -> k));
    }

    /** {@code ; did you mean "x"?}, or the list of what is known. */
    public static String hint(String word, Collection<String> known) {
        return of(word, known)
                .map(k -> "; did you mean \"" + k + "\"?")
                .orElseGet(() -> "; known: " + String.join(", ", known.stream().sorted().toList()));
    }

    /** Edits from one word to the other; two neighbours that changed places are one edit. */
    static int distance(String a, String b) {
        int[][] table = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) table[i][0] = i;
        for (int j = 0; j <= b.length(); j++) table[0][j] = j;
        for (int i = 1; i <= a.length(); i++) {
            for (int j = 1; j <= b.length(); j++) {
                int other = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                int least = Math.min(table[i - 1][j], table[i][j - 1]) + 1;
                least = Math.min(least, table[i - 1][j - 1] + other);
                if (i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1))
                    least = Math.min(least, table[i - 2][j - 2] + 1);
                table[i][j] = least;
            }
        }
        return table[a.length()][b.length()];
    }
}
