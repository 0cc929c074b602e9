package dev.gyre.serve;

import dev.gyre.config.UserError;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * Chooses the tokens of one sequence. The filters act in transformers' order: repetition penalty,
 * temperature, top-k, top-p, min-p. What it draws depends on its seed and its sequence alone.
 */
final class Sampler {
    private final Sampling how;
    private final SplittableRandom random;
    private final BitSet occurred = new BitSet();

    Sampler(Sampling how, int[] prompt) {
        this.how = how;
        this.random = new SplittableRandom(how.seed());
        for (int id : prompt) occurred.set(id);
    }

    /**
     * The next token.
     *
     * @param logits of the whole vocabulary; changed
     */
    int next(float[] logits) {
        for (float logit : logits)
            if (Float.isNaN(logit) || logit == Float.POSITIVE_INFINITY)
                throw new UserError(
                        "the model answers with %s instead of numbers: its weights, or an adapter's, are damaged"
                                .formatted(logit));
        penalise(logits);
        int id = how.temperature() == 0 ? likeliest(logits) : drawn(logits);
        occurred.set(id);
        return id;
    }

    private void penalise(float[] logits) {
        if (how.repetitionPenalty() == 1) return;
        float penalty = (float) how.repetitionPenalty();
        for (int id = occurred.nextSetBit(0);
                id >= 0 && id < logits.length;
                id = occurred.nextSetBit(id + 1))
            logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
    }

    private static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
        return best;
    }

    private int drawn(float[] logits) {
        long[] order = byLikelihood(logits);
        int kept = how.topK() > 0 ? Math.min(how.topK(), order.length) : order.length;
        double[] p = probabilities(logits, order, kept);
        if (how.topP() < 1) kept = within(p, kept);
        double least = how.minP() * p[0];
        while (kept > 1 && p[kept - 1] < least) kept--;
        double total = 0;
        for (int i = 0; i < kept; i++) total += p[i];
        double at = random.nextDouble() * total;
        for (int i = 0; i < kept; i++) {
            at -= p[i];
            if (at < 0) return id(order[i]);
        }
        return id(order[kept - 1]);
    }

    /**
     * Ids from the likeliest on, each packed under a key that sorts as its logit does, the lower id
     * first in a tie.
     */
    private static long[] byLikelihood(float[] logits) {
        long[] keys = new long[logits.length];
        for (int i = 0; i < logits.length; i++) {
            int bits = Float.floatToIntBits(logits[i]);
            int rising = bits ^ (bits >> 31 & 0x7fffffff);
            keys[i] = ((long) ~rising << 32) | i;
        }
        Arrays.sort(keys);
        return keys;
    }

    private static int id(long key) {
        return (int) key;
    }

    private double[] probabilities(float[] logits, long[] order, int kept) {
        double[] p = new double[kept];
        double top = logits[id(order[0])] / how.temperature();
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            p[i] = Math.exp(logits[id(order[i])] / how.temperature() - top);
            sum += p[i];
        }
        for (int i = 0; i < kept; i++) p[i] /= sum;
        return p;
    }

    /** How many of the likeliest it takes to reach top-p. */
    private int within(double[] p, int kept) {
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            sum += p[i];
            if (sum >= how.topP()) return i + 1;
        }
        return kept;
    }
}
