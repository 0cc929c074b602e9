package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.config.UserError;
import dev.gyre.linear.BlockDiagonal;
import dev.gyre.linear.Cayley;
import dev.gyre.linear.Diagonal;
import dev.gyre.linear.LinearMap;
import dev.gyre.linear.Product;
import dev.gyre.linear.Shuffle;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;

/**
 * Butterfly orthogonal fine-tuning (BOFT, arXiv 2311.06243), as PEFT has it but on the activations:
 * y = s ⊙ ((x·M)·Wᵀ) + bias, M = M_(m−1) · … · M_0 with M_i = Π_i·D_i·Π_iᵀ. D_i is block-diagonal,
 * its blocks the exact Cayley transforms of ½(P − Pᵀ); Π_i deals half-blocks out so that factor i
 * joins features 2ⁱ half-blocks apart. Starts at P = 0, s = 1. With one factor it is OFT with a
 * scale.
 *
 * @param block block size b; 0 when {@code blocks} is given
 * @param blocks number of blocks; 0 when {@code block} is given
 * @param factors m
 * @param dropout share of one factor's blocks, drawn with them at each step of training, that do
 *     nothing
 * @param random start at P ~ N(0, 0.1²), s ~ N(1, 0.1²), for tests
 */
public record Boft(int block, int blocks, int factors, double dropout, boolean random)
        implements Method.PerSlot {
    private static final Cayley.Exact CAYLEY = new Cayley.Exact();

    /** Features; a row's rotation costs as many products for each of its own. A guess. */
    private static final int LARGEST_JOINED = 64;

    public Boft {
        if ((block == 0) == (blocks == 0))
            throw new UserError(
                    "method boft: give either block (the size of a block) or blocks (their"
                            + " number)");
    }

    @Override
    public String name() {
        return "boft";
    }

    @Override
    public double learningRate() {
        return 4e-4;
    }

    private static String rotations(Slot slot) {
        return slot.name() + ".boft_R";
    }

    private static String scale(Slot slot) {
        return slot.name() + ".boft_s";
    }

    /** The block size on a slot; an error when the factors do not fit. */
    private long blockSize(Slot slot) {
        Fits.linear(name(), slot);
        String given = block != 0 ? "block" : "blocks";
        Fits.divides(name(), given, Math.max(block, blocks), slot.in(), slot);
        long b = block != 0 ? block : slot.in() / blocks;
        long count = slot.in() / b;
        if (factors > 1 && (b % 2 != 0 || count % (1L << (factors - 1)) != 0))
            throw new UserError(
                    ("method boft: factors = %d needs blocks of an even size, and a number of them"
                                    + " that 2^%d divides; %s has %d of size %d")
                            .formatted(factors, factors - 1, slot.name(), count, b));
        return b;
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        long b = blockSize(slot);
        Declared.Initial one = (r, s) -> Declared.normal(0.1).make(r, s).plusInPlace(1.0);
        return List.of(
                new Declared(
                        rotations(slot),
                        new long[] {factors, slot.in() / b, b, b},
                        random ? Declared.normal(0.1) : Declared.ZEROS),
                new Declared(scale(slot), new long[] {slot.out(), 1}, random ? one : Fits.ONES));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var p = learned.get(rotations(slot));
        int dropping = dropout > 0 && tape.training() ? chosen(tape) : -1;
        var maps = new ArrayList<LinearMap>();
        for (int i = factors - 1; i >= 0; i--) {
            Var r = factor(tape, p, i);
            if (i == dropping) r = BlockDropout.kept(tape, r, dropout);
            maps.addAll(butterfly(r, slot.in(), i));
        }
        return new Effect.Linear(
                joined(tape, new Product(maps), blockSize(slot)),
                new Diagonal(learned.get(scale(slot))),
                null,
                null,
                0);
    }

    /** Several factors as one map, where they join so few features that it costs rows less. */
    private LinearMap joined(Tape tape, Product factorByFactor, long b) {
        long together = b << (factors - 1);
        return factors == 1 || together > LARGEST_JOINED
                ? factorByFactor
                : BlockDiagonal.of(tape, factorByFactor, together);
    }

    private int chosen(Tape tape) {
        try (var random = Random.seeded(tape.nextSeed())) {
            return random.permutation(factors)[0];
        }
    }

    /** x·M_i: deal the half-blocks together, turn, deal them back. */
    private static List<LinearMap> butterfly(Var r, long d, int i) {
        long b = r.value().size(1);
        var turn = new BlockDiagonal(r, d / b);
        if (i == 0) return List.of(turn);
        long apart = 1L << i;
        return List.of(new Shuffle(d, 2, apart, b / 2), turn, new Shuffle(d, apart, 2, b / 2));
    }

    /** R of factor i, [d/b, b, b], from P [m, d/b, b, b]. */
    private static Var factor(Tape tape, Var all, int i) {
        Tensor r;
        try (var here = Scope.open()) {
            r = here.give(CAYLEY.rotation(skew(all.value().select(0, i))));
        }
        if (!tape.needs(all)) return Var.constant(r);
        Tensor kept = tape.save(r);
        return tape.record(
                r,
                g -> {
                    Tensor dq = CAYLEY.pullbackAt(kept, g);
                    all.gradientBuffer().select(0, i).plusInPlace(skew(dq));
                });
    }

    /** The skew-symmetric part: of P, and of a gradient its own pull-back. */
    private static Tensor skew(Tensor p) {
        return p.minus(p.transpose(1, 2)).timesInPlace(0.5);
    }

    /** The registry's line for BOFT. */
    public static final MethodKind KIND = new BoftKind();
}
