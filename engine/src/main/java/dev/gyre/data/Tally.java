package dev.gyre.data;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Counts what was let through or left out because it was allowed, so that nobody has to guess where
 * rows went. Any number of threads may count.
 */
public final class Tally {
    /** What {@link Allowances} can allow. */
    public enum Kind {
        BAD_LINE(
                "line that is not a JSON object left out",
                "lines that are not JSON objects left out"),
        UNKNOWN_KEY("unknown key ignored", "unknown keys ignored"),
        CUT_OFF("example cut at the end", "examples cut at the end"),
        NO_ANSWER(
                "example with nothing to learn left out",
                "examples with nothing to learn left out");

        private final String one;
        private final String many;

        Kind(String one, String many) {
            this.one = one;
            this.many = many;
        }
    }

    private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class);

    synchronized void add(Kind kind) {
        counts.merge(kind, 1, Integer::sum);
    }

    /** How often it happened. */
    public synchronized int count(Kind kind) {
        return counts.getOrDefault(kind, 0);
    }

    /** A clause for each kind that happened, such as {@code 2 examples cut at the end}. */
    public synchronized List<String> clauses() {
        var out = new ArrayList<String>();
        counts.forEach((kind, n) -> out.add(n + " " + (n == 1 ? kind.one : kind.many)));
        return out;
    }
}
