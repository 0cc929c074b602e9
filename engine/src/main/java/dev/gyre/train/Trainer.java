package dev.gyre.train;

import dev.gyre.adapter.Adapter;
import dev.gyre.data.Encoded;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Tokens;
import dev.gyre.tensor.Cores;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Var;

import java.util.Arrays;
import java.util.List;

/**
 * Trains an adapter step by step. It knows no method: it sees learned numbers, their gradients and
 * an objective, the mean −log p over all learned tokens of a step. It prints nothing.
 *
 * <p>A step has two levels of tapes: one from the learned tensors to the adapter's parts, for the
 * whole step, and one for each forward pass through the model. So the parts are built once, and
 * their gradients are folded back once, however many passes a step accumulates.
 */
public final class Trainer implements AutoCloseable {
    private final Model model;
    private final Adapter adapter;
    private final AdamW optimizer;
    private final double clipNorm;
    private final long seed;
    private long steps;

    /**
     * @param clipNorm longest gradient; 0 for no limit
     * @param seed of random masks
     */
    public Trainer(Adapter adapter, double weightDecay, double clipNorm, long seed) {
        this.model = adapter.model();
        this.adapter = adapter;
        this.optimizer = new AdamW(adapter, weightDecay);
        this.clipNorm = clipNorm;
        this.seed = seed;
    }

    /**
     * Shows a new adapter the examples that it wants to see before the first step.
     *
     * @param passes examples of each forward pass; nothing happens without any
     */
    public void calibrate(List<List<Encoded>> passes) {
        if (!passes.isEmpty()) adapter.calibrate(new Calibration(model, passes));
    }

    /**
     * What a step did.
     *
     * @param loss before the update
     * @param learnedTokens tokens whose prediction was learned
     * @param tokens that went through the model
     * @param gradientNorm before clipping
     */
    public record Step(double loss, long learnedTokens, long tokens, double gradientNorm) {}

    /**
     * One optimiser step.
     *
     * @param passes examples of each forward pass
     * @throws TrainFailed when the loss is not a number, or nothing can be learned from it
     */
    public Step step(List<List<Encoded>> passes, double learningRate) {
        steps++;
        adapter.stepBegins(steps);
        long learned =
                passes.stream().flatMap(List::stream).mapToLong(Trainer::learnedTokens).sum();
        if (learned == 0) throw new TrainFailed("step " + steps + " has no token to learn");
        long tokens =
                passes.stream().flatMap(List::stream).mapToLong(e -> e.ids().length - 1L).sum();
        double loss = gradients(passes, 1.0 / learned);
        adapter.gradientsReady();
        double norm = gradientNorm(loss);
        clip(norm);
        adapter.gradientsClipped();
        optimizer.step(learningRate);
        adapter.updated();
        adapter.gradients().zeroInPlace();
        return new Step(loss, learned, tokens, norm);
    }

    /**
     * The loss, its gradients added to the adapter's: each core on its share of the examples where
     * every pass splits evenly, or else one pass after another with the cores sharing each
     * operation.
     */
    private double gradients(List<List<Encoded>> passes, double weight) {
        int cores = Cores.count();
        var split = passes.stream().map(p -> Shards.of(p, cores)).toList();
        if (cores == 1 || split.stream().anyMatch(s -> s.size() == 1))
            return shard(0, passes, weight);
        adapter.shards(cores);
        List<Double> losses =
                Cores.each(
                        cores, i -> shard(i, split.stream().map(s -> s.get(i)).toList(), weight));
        adapter.gatherGradients();
        return losses.stream().mapToDouble(Double::doubleValue).sum();
    }

    private double shard(int index, List<List<Encoded>> passes, double weight) {
        long stepSeed = seed * 31 + steps;
        double loss = 0;
        try (var _ = Scope.open();
                var parts = Tape.recording(stepSeed)) {
            Effects effects = adapter.effects(parts, index);
            for (int i = 0; i < passes.size(); i++)
                loss += pass(passes.get(i), effects, weight, (stepSeed * 1009 + i) * 31 + index);
            parts.backward();
        }
        return loss;
    }

    private double pass(List<Encoded> examples, Effects effects, double weight, long passSeed) {
        try (var _ = Scope.open();
                var tape = Tape.recording(passSeed)) {
            Var loss = model.loss(tape, tokens(examples, effects), labels(examples), weight);
            tape.backward(loss);
            return loss.value().item();
        }
    }

    private double gradientNorm(double loss) {
        try (var _ = Scope.open()) {
            double norm = adapter.gradients().norm().item();
            if (!Double.isFinite(loss) || !Double.isFinite(norm))
                throw new TrainFailed(
                        "step %d: the loss is %s and the gradient's length %s; a smaller learning_rate, or clip_norm, may help"
                                .formatted(steps, loss, norm));
            if (norm == 0 && steps > 1)
                throw new TrainFailed(
                        "step %d: all gradients are zero after earlier ones were not; the model no longer answers to its input, and a smaller learning_rate may help"
                                .formatted(steps));
            if (norm == 0)
                throw new TrainFailed(
                        "step %d: all gradients are zero, so nothing would be learned; is the method's"
                                        .formatted(steps)
                                + " effect switched off by its settings?");
            return norm;
        }
    }

    private void clip(double norm) {
        if (clipNorm > 0 && norm > clipNorm)
            adapter.gradients().timesInPlace(clipNorm / (norm + 1e-6));
    }

    /** The mean −log p over the learned tokens of these examples, without learning. */
    public double loss(List<Encoded> examples, int batch) {
        double sum = 0;
        long learned = 0;
        try (var _ = Scope.open();
                var off = Tape.off()) {
            Effects effects = adapter.effects(off);
            for (int from = 0; from < examples.size(); from += batch) {
                List<Encoded> some =
                        examples.subList(from, Math.min(examples.size(), from + batch));
                try (var _ = Scope.open()) {
                    sum += model.loss(off, tokens(some, effects), labels(some), 1).value().item();
                }
                learned += some.stream().mapToLong(Trainer::learnedTokens).sum();
            }
        }
        return sum / learned;
    }

    /** Tokens of an example whose prediction is learned. */
    public static long learnedTokens(Encoded e) {
        long n = 0;
        for (int i = 1; i < e.ids().length; i++) if (e.learned()[i]) n++;
        return n;
    }

    /** The last token of an example predicts nothing, so it does not go through the model. */
    static Tokens tokens(List<Encoded> examples, Effects effects) {
        var sequences =
                examples.stream().map(e -> Arrays.copyOf(e.ids(), e.ids().length - 1)).toList();
        return Tokens.of(sequences, List.of(effects));
    }

    static int[] labels(List<Encoded> examples) {
        int[] labels = new int[examples.stream().mapToInt(e -> e.ids().length - 1).sum()];
        int row = 0;
        for (Encoded e : examples)
            for (int i = 1; i < e.ids().length; i++)
                labels[row++] = e.learned()[i] ? e.ids()[i] : -1;
        return labels;
    }

    @Override
    public void close() {
        optimizer.close();
    }
}
