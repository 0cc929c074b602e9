package dev.gyre.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Which examples each optimiser step sees: a function of the seed and the step alone, so that a run
 * can go on anywhere. In random order examples of like lengths come together, which keeps the
 * passes of a step alike in size; without shuffling the rows come as they stand in the file, from
 * the start again after the last.
 */
public final class Batches {
    /** Steps whose examples are sorted together; more sort better and mix less. */
    private static final int STEPS_SORTED_TOGETHER = 50;

    private final int[] lengths;
    private final int batch;
    private final int accumulate;
    private final boolean shuffle;
    private final long seed;
    private long epochInHand = -1;
    private List<List<Integer>> passes = List.of();

    /**
     * @param lengths of the examples, in tokens
     * @param batch examples of a pass
     * @param accumulate passes of a step
     */
    public Batches(int[] lengths, int batch, int accumulate, boolean shuffle, long seed) {
        if (lengths.length == 0) throw new IllegalArgumentException("there are no examples");
        if (batch < 1 || accumulate < 1)
            throw new IllegalArgumentException("batch and accumulate must be at least 1");
        this.lengths = lengths.clone();
        this.batch = batch;
        this.accumulate = accumulate;
        this.shuffle = shuffle;
        this.seed = seed;
    }

    /** Passes of one epoch; the last may hold fewer examples. */
    public int passesPerEpoch() {
        return Math.ceilDiv(lengths.length, batch);
    }

    /**
     * The examples of each pass of a step.
     *
     * @param step from 1
     */
    public List<List<Integer>> step(long step) {
        var out = new ArrayList<List<Integer>>();
        for (int i = 0; i < accumulate; i++) out.add(pass((step - 1) * accumulate + i));
        return out;
    }

    private List<Integer> pass(long number) {
        if (number < 0) throw new IllegalArgumentException("steps count from 1");
        int inEpoch = (int) (number % passesPerEpoch());
        if (!shuffle)
            return IntStream.range(
                            inEpoch * batch, (int) Math.min(lengths.length, (inEpoch + 1L) * batch))
                    .boxed()
                    .toList();
        long epoch = number / passesPerEpoch();
        if (epoch != epochInHand) {
            passes = shuffled(epoch);
            epochInHand = epoch;
        }
        return passes.get(inEpoch);
    }

    private List<List<Integer>> shuffled(long epoch) {
        var random = new Random(seed * 0x9E3779B97F4A7C15L + epoch);
        var order = new ArrayList<>(IntStream.range(0, lengths.length).boxed().toList());
        Collections.shuffle(order, random);
        // Steps are made first and then cut into passes, so that more accumulation of smaller
        // passes
        // sees the same examples in the same steps.
        var steps = new ArrayList<List<Integer>>();
        int step = (int) Math.min((long) batch * accumulate, order.size());
        int group = (int) Math.min((long) step * STEPS_SORTED_TOGETHER, order.size());
        for (int from = 0; from < order.size(); from += group) {
            var some = new ArrayList<>(order.subList(from, Math.min(order.size(), from + group)));
            some.sort((a, b) -> Integer.compare(lengths[a], lengths[b]));
            steps.addAll(pieces(some, step));
        }
        // A step that is not full stays the last, or it would shift the passes of those after it.
        boolean full = order.size() % step == 0;
        Collections.shuffle(full ? steps : steps.subList(0, steps.size() - 1), random);
        return steps.stream().flatMap(s -> pieces(s, batch).stream()).toList();
    }

    private static List<List<Integer>> pieces(List<Integer> all, int size) {
        var out = new ArrayList<List<Integer>>();
        for (int i = 0; i < all.size(); i += size)
            out.add(List.copyOf(all.subList(i, Math.min(all.size(), i + size))));
        return out;
    }
}
