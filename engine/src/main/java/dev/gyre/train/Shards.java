package dev.gyre.train;

import dev.gyre.data.Encoded;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** How the examples of a pass are shared out, so that each core trains on some of them. */
final class Shards {
    /** The longest shard may hold this much more than its share; beyond, cores would wait. */
    private static final double SLACK = 1.15;

    private Shards() {}

    /**
     * The examples in shards of like numbers of tokens, the longest example first to the shortest
     * shard. A function of the examples alone.
     *
     * @return one shard where no even split is found
     */
    static List<List<Encoded>> of(List<Encoded> examples, int count) {
        var shards = new ArrayList<List<Encoded>>();
        for (int i = 0; i < count; i++) shards.add(new ArrayList<>());
        long[] tokens = new long[count];
        var order = new ArrayList<>(examples);
        order.sort(Comparator.comparingInt((Encoded e) -> e.ids().length).reversed());
        long all = 0;
        for (Encoded e : order) {
            int least = 0;
            for (int i = 1; i < count; i++) if (tokens[i] < tokens[least]) least = i;
            shards.get(least).add(e);
            tokens[least] += e.ids().length;
            all += e.ids().length;
        }
        for (long t : tokens) if (t == 0 || t > SLACK * all / count) return List.of(examples);
        return shards;
    }
}
