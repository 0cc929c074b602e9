package dev.gyre.adapter.method;

import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.Arrays;

/** Dropout for rotations in blocks: some blocks do nothing for a step. */
final class BlockDropout {
    private BlockDropout() {}

    /**
     * Multiplicative dropout: int(p·r) blocks, drawn at random, become the identity; nothing is
     * rescaled.
     */
    static Var kept(Tape tape, Var r, double dropout) {
        long count = r.value().size(0);
        int dropped = (int) (dropout * count);
        if (!tape.training() || dropped == 0 || count == 1) return r;
        int[] chosen;
        try (var random = Random.seeded(tape.nextSeed())) {
            chosen = Arrays.copyOf(random.permutation((int) count), dropped);
        }
        Tensor out = r.value().copy();
        Tensor identity = Tensor.eye(out.dtype(), out.size(1));
        for (int i : chosen) out.select(0, i).copyFrom(identity);
        if (!tape.needs(r)) return Var.constant(out);
        return tape.record(
                out,
                g -> {
                    Tensor own = g.copy();
                    for (int i : chosen) own.select(0, i).zeroInPlace();
                    r.accumulate(own);
                });
    }
}
