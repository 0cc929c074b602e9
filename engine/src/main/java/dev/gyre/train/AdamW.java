package dev.gyre.train;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.Group;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

/**
 * Adam with decoupled weight decay (Loshchilov &amp; Hutter, arXiv 1711.05101), state in f32, in
 * one pass over all learned numbers. The arithmetic and its order are those of PyTorch's {@code
 * AdamW}. Numbers whose method has a rule of its own move by their gradient alone.
 */
final class AdamW implements AutoCloseable {
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPS = 1e-8;

    private final Scope home = Scope.detached();
    private final Adapter adapter;
    private final double weightDecay;
    private final Tensor mean;
    private final Tensor square;
    private long steps;

    AdamW(Adapter adapter, double weightDecay) {
        this.adapter = adapter;
        this.weightDecay = weightDecay;
        try (var _ = Scope.open()) {
            mean = home.adopt(adapter.values().zerosLike());
            square = home.adopt(adapter.values().zerosLike());
        }
    }

    /** One update from the adapter's gradients. */
    void step(double learningRate) {
        steps++;
        double correction1 = 1 - Math.pow(BETA1, steps);
        double correction2 = 1 - Math.pow(BETA2, steps);
        try (var _ = Scope.open()) {
            Tensor g = adapter.gradients();
            mean.timesInPlace(BETA1).plusInPlace(g, 1 - BETA1);
            square.timesInPlace(BETA2).plusProductInPlace(g, g, 1 - BETA2);
            Tensor denominator =
                    square.sqrt().timesInPlace(1 / Math.sqrt(correction2)).plusInPlace(EPS);
            for (Group group : adapter.groups()) {
                double rate = learningRate * group.factor();
                Tensor p = adapter.values().narrow(0, group.from(), group.count());
                if (weightDecay > 0) p.timesInPlace(1 - rate * weightDecay);
                if (group.byGradient()) {
                    p.plusInPlace(g.narrow(0, group.from(), group.count()), -rate);
                    continue;
                }
                p.plusQuotientInPlace(
                        mean.narrow(0, group.from(), group.count()),
                        denominator.narrow(0, group.from(), group.count()),
                        -rate / correction1);
            }
        }
    }

    @Override
    public void close() {
        home.close();
    }
}
