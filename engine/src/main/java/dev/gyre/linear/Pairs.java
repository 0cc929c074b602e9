package dev.gyre.linear;

import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.Kernels;
import dev.gyre.tensor.kernel.PairTurn;

import java.util.List;

/**
 * Features turned in pairs, each pair by a 2 × 2 matrix: y = a ⊙ x + b ⊙ h(x), where h swaps the
 * halves of every group of g features and negates what comes from the second. Feature i of a group
 * is paired with i + g/2. With a = cos θ and b = sin θ it is a plane rotation (RoAd, Givens).
 *
 * @param direct a, [d]
 * @param crossed b, [d]
 * @param group g, even, divides d
 */
public record Pairs(Var direct, Var crossed, long group) implements LinearMap {
    public Pairs {
        if (group % 2 != 0 || direct.value().elements() % group != 0)
            throw new IllegalArgumentException(
                    "groups of " + group + " on " + direct.value() + " features");
    }

    /** One number a pair, given to both of its features. */
    public static Tensor spread(Tensor pairs, long group) {
        Tensor half = pairs.view(-1, 1, group / 2);
        return half.expand(half.size(0), 2, group / 2).reshape(-1);
    }

    /** What {@link #spread} gave to both features of a pair, summed: its transpose. */
    public static Tensor gathered(Tensor features, long group) {
        return features.view(-1, 2, group / 2).sum(1, false).view(-1);
    }

    @Override
    public long in() {
        return direct.value().elements();
    }

    @Override
    public long out() {
        return in();
    }

    /** h(x), or with −1 its transpose, which is its negative. */
    private Tensor swapped(Tensor x, double sign) {
        Tensor out = x.emptyLike();
        Tensor from = x.view(x.size(0), in() / group, 2, group / 2);
        Tensor to = out.view(x.size(0), in() / group, 2, group / 2);
        to.select(2, 0).copyFrom(from.select(2, 1)).timesInPlace(-sign);
        to.select(2, 1).copyFrom(from.select(2, 0));
        if (sign < 0) to.select(2, 1).timesInPlace(sign);
        return out;
    }

    private boolean fits(Tensor x) {
        return Kernels.fitPairs(x, direct.value(), crossed.value(), group);
    }

    @Override
    public Tensor times(Tensor x) {
        if (fits(x)) {
            Tensor y = x.emptyLike();
            PairTurn.turn(x, direct.value(), crossed.value(), group, y);
            return y;
        }
        return x.times(direct.value())
                .plusProductInPlace(swapped(x.contiguous(), 1), crossed.value(), 1);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        if (fits(dy)) {
            Tensor dx = dy.emptyLike();
            PairTurn.turnBack(dy, direct.value(), crossed.value(), group, dx);
            return dx;
        }
        return dy.times(direct.value()).plusInPlace(swapped(dy.times(crossed.value()), -1));
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        boolean both = direct.needsGradient() && crossed.needsGradient();
        if (both && fits(x) && fits(dy)) {
            Tensor da = direct.gradientBuffer();
            Tensor db = crossed.gradientBuffer();
            PairTurn.gradients(x, dy, group, da, db);
            return transposeTimes(dy);
        }
        if (direct.needsGradient()) direct.gradientBuffer().plusInPlace(x.times(dy).sum(0, false));
        if (crossed.needsGradient())
            crossed.gradientBuffer()
                    .plusInPlace(swapped(x.contiguous(), 1).timesInPlace(dy).sum(0, false));
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of(direct, crossed);
    }

    @Override
    public Tensor dense() {
        return times(Tensor.eye(direct.value().dtype(), in())).transpose(0, 1).contiguous();
    }

    @Override
    public long bytes() {
        return direct.value().bytes() + crossed.value().bytes();
    }
}
