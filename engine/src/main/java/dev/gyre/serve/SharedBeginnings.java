package dev.gyre.serve;

import dev.gyre.model.Effects;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Prompts that begin alike, as a system text makes them, under the same adapters: the keys and
 * values of the shared beginning are made once and copied.
 */
final class SharedBeginnings {
    /** Tokens whose copy is surely cheaper than a pass through the model. */
    private static final int WORTH_A_COPY = 8;

    /** Tokens that must be saved for a pass over the beginning alone; a guess. */
    private static final int WORTH_A_PASS = 128;

    private SharedBeginnings() {}

    /**
     * Gives sequences that are new what they share with others.
     *
     * @param pass takes a sequence's first so many tokens through the model
     */
    static void share(List<Sequence> active, BiConsumer<Sequence, Integer> pass) {
        if (active.stream().noneMatch(Sequence::isNew)) return;
        Map<List<Effects>, List<Sequence>> groups = new LinkedHashMap<>();
        for (Sequence s : active)
            groups.computeIfAbsent(s.request().adapters(), _ -> new ArrayList<>()).add(s);
        groups.values().forEach(group -> within(group, pass));
    }

    private static void within(List<Sequence> group, BiConsumer<Sequence, Integer> pass) {
        var known = new ArrayList<>(group.stream().filter(s -> !s.isNew()).toList());
        var cold = new ArrayList<Sequence>();
        for (Sequence s : group) if (s.isNew() && !begins(s, known)) cold.add(s);
        while (cold.size() > 1) {
            Sequence leader = cold.removeFirst();
            List<Sequence> alike =
                    cold.stream().filter(s -> common(s, leader) >= WORTH_A_COPY).toList();
            int shared = saving(alike, leader);
            List<Sequence> followers =
                    alike.stream().filter(s -> common(s, leader) >= shared).toList();
            if ((long) shared * followers.size() < WORTH_A_PASS) continue;
            pass.accept(leader, shared);
            followers.forEach(s -> s.beginLike(leader, shared));
            cold.removeAll(followers);
        }
    }

    /** The length of the beginning that saves most tokens: a longer one has fewer that share it. */
    private static int saving(List<Sequence> alike, Sequence leader) {
        int[] lengths = alike.stream().mapToInt(s -> common(s, leader)).sorted().toArray();
        int best = 0;
        long most = 0;
        for (int i = 0; i < lengths.length; i++) {
            long saved = (long) lengths[i] * (lengths.length - i);
            if (saved > most) {
                most = saved;
                best = lengths[i];
            }
        }
        return best;
    }

    /** Whether it could begin like one of those. */
    private static boolean begins(Sequence s, List<Sequence> known) {
        Sequence best = null;
        int most = WORTH_A_COPY - 1;
        for (Sequence other : known) {
            int common = Math.min(common(s, other), other.seen());
            if (common > most) {
                most = common;
                best = other;
            }
        }
        if (best == null) return false;
        s.beginLike(best, most);
        return true;
    }

    /** The last token of a prompt is always the model's to see: the answer follows from it. */
    private static int common(Sequence a, Sequence b) {
        int[] x = a.request().prompt();
        int[] y = b.request().prompt();
        int differ = Arrays.mismatch(x, y);
        int same = differ < 0 ? x.length : differ;
        return Math.min(same, Math.min(x.length, y.length) - 1);
    }
}
