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
                .min(Comparator.comparingInt((String k) -> distance(word, k)).thenComparing(k -> k));
    }

    /** {@code ; did you mean "x"?}, or the list of what is known. */
    public static String hint(String word, Collection<String> known) {
        return of(word, known)
                .map(k -> "; did you mean \"" + k + "\"?")
                .orElseGet(() -> "; known: " + String.join(", ", known.stream().sorted().toList()));
    }

    /** Levenshtein's distance, in edits. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) row[j] = j;
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
