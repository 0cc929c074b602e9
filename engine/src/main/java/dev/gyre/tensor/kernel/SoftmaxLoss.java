package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.all;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

/**
 * Cross-entropy of rows of logits [M, vocabulary], in nats, which become their own gradient in
 * place. Asked for only where {@link Kernels#fitLoss} says so.
 */
public final class SoftmaxLoss {
    private SoftmaxLoss() {}

    /**
     * z ← (softmax(z) − onehot(label)) · weight.
     *
     * @param labels one for each row
     * @return Σ −log softmax(z)[label], without the weight
     */
    public static double replace(Tensor z, int[] labels, double weight) {
        long row = 4 * z.size(1);
        long at = Lanes.address(z);
        var losses = new double[labels.length];
        Workers.share(
                labels.length,
                (from, to) -> {
                    for (int n = from; n < to; n++)
                        losses[n] = one(at + n * row, row, labels[n], (float) weight);
                });
        double sum = 0;
        for (double loss : losses) sum += loss;
        return sum;
    }

    private static double one(long z, long bytes, int label, float weight) {
        float max = Lanes.most(z, bytes);
        float wanted = Lanes.get(z + 4L * label);
        double sum = exponentials(z, bytes, max);
        Lanes.scale(z, bytes, (float) (weight / sum));
        Lanes.set(z + 4L * label, Lanes.get(z + 4L * label) - weight);
        return Math.log(sum) + max - wanted;
    }

    /** z ← e^(z − max); their sum. Stretches are summed apart, so that no small term is lost. */
    private static double exponentials(long z, long bytes, float max) {
        FloatVector low = all(-max);
        double sum = 0;
        for (long from = 0; from < bytes; from += 64 * BYTES) {
            FloatVector part = Lanes.zero();
            for (long j = from; j < Math.min(bytes, from + 64 * BYTES); j += BYTES) {
                FloatVector e = Lanes.exp(load(z + j).add(low));
                store(e, z + j);
                part = e.add(part);
            }
            sum += Lanes.sum(part);
        }
        return sum;
    }
}
