package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.config.UserError;
import dev.gyre.linear.BlockDiagonal;
import dev.gyre.linear.Cayley;
import dev.gyre.linear.Skew;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * Orthogonal fine-tuning, input-centric (OFTv2, arXiv 2506.19847): y = (x ⊙ R)·Wᵀ + bias, where R
 * is block-diagonal and each block is a Cayley transform of a skew-symmetric matrix whose upper
 * triangle v is learned. Starts at R = I. An embedding's rows are rotated after the look-up.
 *
 * @param block block size b; 0 when {@code blocks} is given
 * @param blocks number of blocks r; 0 when {@code block} is given
 * @param cayley how R comes from v
 * @param eps COFT's radius: ‖Q_i‖_F stays within eps/√rows; 0 for no constraint
 * @param share one block for all
 * @param dropout share of the blocks that training replaces by the identity, drawn anew at each
 *     step
 * @param nearest a block size that does not divide is moved to a near divisor, as PEFT does,
 *     instead of refused
 * @param random start at v ~ N(0, 0.1²) instead of 0, for tests
 */
public record Oft(
        int block,
        int blocks,
        Cayley cayley,
        double eps,
        boolean share,
        double dropout,
        boolean nearest,
        boolean random)
        implements Method.PerSlot {

    public Oft {
        if ((block == 0) == (blocks == 0))
            throw new UserError(
                    "method oft: give either block (the size of a block) or blocks (their number)");
    }

    @Override
    public String name() {
        return "oft";
    }

    @Override
    public double learningRate() {
        return 4e-4;
    }

    private static long width(Slot slot) {
        return slot.kind() == Slot.Kind.EMBEDDING ? slot.out() : slot.in();
    }

    private static String key(Slot slot) {
        return slot.name()
                + (slot.kind() == Slot.Kind.EMBEDDING
                        ? ".oft_embedding_R.weight"
                        : ".oft_R.weight");
    }

    /** The block size on a slot. */
    int blockSize(Slot slot) {
        long d = width(slot);
        int wanted = block != 0 ? block : blocks;
        long fitting = nearest ? Fits.nearestDivisor(d, wanted) : wanted;
        if (d % fitting != 0)
            throw new UserError(
                    "method oft: %s = %d does not divide the width %d of %s; near divisors: %d"
                            .formatted(
                                    block != 0 ? "block" : "blocks",
                                    wanted,
                                    d,
                                    slot.name(),
                                    Fits.nearestDivisor(d, wanted)));
        return (int) (block != 0 ? fitting : d / fitting);
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        int b = blockSize(slot);
        long rows = share ? 1 : width(slot) / b;
        return List.of(
                new Declared(
                        key(slot),
                        new long[] {rows, Skew.packed(b)},
                        random ? Declared.normal(0.1) : Declared.ZEROS));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        int b = blockSize(slot);
        Var r = BlockDropout.kept(tape, cayley.apply(tape, learned.get(key(slot)), b), dropout);
        var map = new BlockDiagonal(r, width(slot) / b);
        return slot.kind() == Slot.Kind.EMBEDDING ? Effect.after(map) : Effect.before(map);
    }

    /** COFT: v_i is scaled back onto the ball ‖Q_i‖_F = √2·‖v_i‖ ≤ eps/√rows. */
    @Override
    public void updated(Slot slot, Learned learned) {
        if (eps == 0) return;
        try (var _ = Scope.open()) {
            Tensor v = learned.get(key(slot)).value();
            double radius = eps / Math.sqrt(v.size(0));
            Tensor norms = v.times(v).sum(1, true).sqrt().timesInPlace(Math.sqrt(2));
            // A block on the sphere, up to rounding, stays as it is: projecting twice changes
            // nothing.
            Tensor inside = norms.timesInPlace(1 / radius).below(1 + 1e-6);
            v.timesInPlace(norms.power(-1).maskedFillInPlace(inside, 1));
        }
    }

    /** The registry's line for OFT. */
    public static final MethodKind KIND = new OftKind();
}
