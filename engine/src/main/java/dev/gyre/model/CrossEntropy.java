package dev.gyre.model;

import dev.gyre.config.UserError;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.SoftmaxLoss;

import java.util.Arrays;
import java.util.List;

/**
 * The output head and the cross-entropy of its logits in one operation, so that the logits of one
 * chunk of rows exist at a time. Only rows with a label are computed at all. The gradient is made
 * in the forward pass, while a chunk's logits are there; the operation must therefore be the root
 * of its tape, where the loss's own gradient is 1.
 */
final class CrossEntropy {
    /**
     * Numbers of logits held at once, 104 MiB of f32: with 512 rows of 49,152 words the products
     * are a tenth faster than with half as many, because the head is packed anew for each chunk.
     */
    private static final long LOGITS = 26 << 20;

    private CrossEntropy() {}

    /**
     * The sum of −log p(label) over the labelled rows, times a weight.
     *
     * @param vocabulary width of the logits
     * @param hidden final hidden rows, [N, d]
     * @param labels the token that each row should predict, [N]; negative for none
     * @param weight factor of the loss, such as 1 / learned tokens of the step
     * @return a scalar
     * @throws UserError for a label beyond the vocabulary: kernels read and write at its place
     */
    static Var apply(
            Tape tape,
            Head head,
            int vocabulary,
            Var hidden,
            int[] labels,
            double weight,
            List<Span> spans) {
        for (int label : labels)
            if (label >= vocabulary)
                throw new UserError(
                        "token %d is to be learned and not in the model's vocabulary of %d; the tokenizer is of another model"
                                .formatted(label, vocabulary));
        int[] rows =
                java.util.stream.IntStream.range(0, labels.length)
                        .filter(i -> labels[i] >= 0)
                        .toArray();
        // Chunks of like size, so that none is left over that is slow.
        int chunks = Math.toIntExact(Math.ceilDiv((long) rows.length * vocabulary, LOGITS));
        int size = Math.ceilDiv(rows.length, Math.max(1, chunks));
        double loss = 0;
        boolean records = tape.recording();
        Tensor gradient =
                records
                        ? Tensor.zeros(hidden.value().dtype(), hidden.value().shape())
                        : hidden.value();
        for (int from = 0; from < rows.length; from += size) {
            int[] chunk = Arrays.copyOfRange(rows, from, Math.min(rows.length, from + size));
            int[] wanted = Arrays.stream(chunk).map(r -> labels[r]).toArray();
            try (var _ = Scope.open();
                    var inner = tape.inner()) {
                Tensor indices = Tensor.of(chunk);
                Tensor picked = hidden.value().indexSelect(0, indices);
                Scope home = Scope.detached();
                try (home) {
                    Var h = records ? Var.leaf(picked, home) : Var.constant(picked);
                    Var logits = head.logits(inner, h, Span.of(spans, chunk));
                    loss += lossOf(inner, logits, wanted, weight, records);
                    Tensor dh = h.gradient();
                    if (dh != null) gradient.indexAddInPlace(0, indices, dh);
                }
            }
        }
        Tensor value = Tensor.full(hidden.value().dtype(), loss);
        if (!records) return Var.constant(value);
        Tensor kept = tape.save(gradient);
        return tape.record(value, dy -> hidden.accumulateShared(kept));
    }

    /** The loss of one chunk; runs its backward pass. */
    private static double lossOf(
            Tape inner, Var logits, int[] labels, double weight, boolean records) {
        Tensor z = logits.value();
        if (records && Kernels.fitLoss(z)) {
            double sum = SoftmaxLoss.replace(z, labels, weight);
            inner.backward(logits, z);
            return sum * weight;
        }
        Tensor labelled = Tensor.of(labels).unsqueeze(1);
        Tensor normaliser = z.logSumExp(1, true);
        double loss = normaliser.minus(z.gather(1, labelled)).sum().item() * weight;
        if (records) {
            // dz = (softmax(z) − onehot(label)) · weight
            Tensor dz = z.minus(normaliser).exp().timesInPlace(weight);
            Tensor at = dz.gather(1, labelled).plus(-weight);
            dz.scatterInPlace(1, labelled, at);
            inner.backward(logits, dz);
        }
        return loss;
    }

    /** The output head: rows [M, d] to logits [M, vocabulary]. */
    @FunctionalInterface
    interface Head {
        Var logits(Tape tape, Var rows, List<Span> spans);
    }
}
