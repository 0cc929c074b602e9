package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.linear.BlockDiagonal;
import dev.gyre.linear.Cayley;
import dev.gyre.linear.Skew;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
        return 4e-3;
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
        long fitting = nearest ? nearestDivisor(d, wanted) : wanted;
        if (d % fitting != 0)
            throw new UserError(
                    "method oft: %s = %d does not divide the width %d of %s; near divisors: %d"
                            .formatted(
                                    block != 0 ? "block" : "blocks",
                                    wanted,
                                    d,
                                    slot.name(),
                                    nearestDivisor(d, wanted)));
        return (int) (block != 0 ? fitting : d / fitting);
    }

    /**
     * PEFT's rule: the wanted number if it divides d, else the nearer of the divisors around it,
     * the lower in a tie.
     */
    static long nearestDivisor(long d, long wanted) {
        if (wanted >= d) return d;
        if (d % wanted == 0) return wanted;
        long high = wanted;
        while (d % high != 0) high++;
        long low = wanted;
        while (d % low != 0) low--;
        return wanted - low <= high - wanted ? low : high;
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
        Var r = kept(tape, cayley.apply(tape, learned.get(key(slot)), b));
        var map = new BlockDiagonal(r, width(slot) / b);
        return slot.kind() == Slot.Kind.EMBEDDING ? Effect.after(map) : Effect.before(map);
    }

    /**
     * Multiplicative dropout: int(p·r) blocks, drawn at random, become the identity; nothing is
     * rescaled.
     */
    private Var kept(Tape tape, Var r) {
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
    public static final MethodKind KIND = new Kind();

    private static final class Kind implements MethodKind {
        @Override
        public String name() {
            return "oft";
        }

        @Override
        public String peftType() {
            return "OFT";
        }

        @Override
        public String summary() {
            return "rotates the inputs of frozen weights in blocks (OFTv2; COFT with coft=true)";
        }

        @Override
        public Map<String, String> settings() {
            var s = new LinkedHashMap<String, String>();
            s.put("block", "32: size of a block; divides the input width");
            s.put("blocks", "(none): number of blocks, instead of block");
            s.put("terms", "5: terms of the Cayley-Neumann series, 2 or more");
            s.put("exact", "false: the exact Cayley transform instead of the series");
            s.put("series", "standard: or legacy, the polynomial of PEFT 0.16 and 0.17");
            s.put("coft", "false: keep the rotation near the identity (COFT)");
            s.put("eps", "6e-5: COFT's radius, above 0");
            s.put("share", "false: one block shared by all");
            s.put("dropout", "0: share of blocks left out at each training step");
            return s;
        }

        @Override
        public Method of(Settings s) {
            int blocks = s.whole("blocks", 0, 1);
            int block = s.whole("block", blocks == 0 ? 32 : 0, 1);
            int terms = s.whole("terms", 5, 2);
            boolean exact = s.flag("exact", false);
            boolean legacy =
                    s.oneOf("series", "standard", List.of("standard", "legacy")).equals("legacy");
            boolean coft = s.flag("coft", false);
            double eps = s.real("eps", 6e-5, 0, false, Double.POSITIVE_INFINITY);
            boolean share = s.flag("share", false);
            double dropout = s.real("dropout", 0, 0, true, 1);
            s.finish();
            return new Oft(
                    block,
                    blocks,
                    cayley(exact, terms, legacy),
                    coft ? eps : 0,
                    share,
                    dropout,
                    false,
                    false);
        }

        private static Cayley cayley(boolean exact, int terms, boolean legacy) {
            return exact ? new Cayley.Exact() : new Cayley.Neumann(terms, legacy);
        }

        @Override
        public Set<String> peftKeys() {
            return Set.of(
                    "r",
                    "oft_block_size",
                    "module_dropout",
                    "init_weights",
                    "coft",
                    "eps",
                    "block_share",
                    "use_cayley_neumann",
                    "num_cayley_neumann_terms",
                    "bias",
                    "fan_in_fan_out");
        }

        @Override
        public Method fromPeft(Tree c, Reading reading) {
            if (!c.entries().containsKey("oft_block_size"))
                throw new UserError(
                        c.where()
                                + ": an OFT file without oft_block_size was made by PEFT before"
                                + " 0.14, which rotated outputs; train it again, or load it with"
                                + " PEFT 0.13");
            boolean neumann = c.boolOr("use_cayley_neumann", true);
            int terms = (int) c.wholeOr("num_cayley_neumann_terms", 5);
            if (neumann && terms < 2)
                throw new UserError(
                        c.where()
                                + ": num_cayley_neumann_terms = "
                                + terms
                                + " means no rotation at all; wanted 2 or more");
            boolean old = c.textOr("peft_version", "").matches("0\\.1[67](\\..*)?");
            if (neumann && c.get("peft_version").isEmpty() && !reading.legacySeries())
                reading.warn()
                        .accept(
                                c.where()
                                        + ": no peft_version, so it may be from before PEFT 0.18,"
                                        + " whose series had another last coefficient; it is read"
                                        + " as PEFT 0.21 reads it. If it is old: --oft-series"
                                        + " legacy");
            double eps = c.realOr("eps", 6e-5);
            boolean coft = c.boolOr("coft", false);
            if (coft && !(eps > 0))
                throw new UserError(c.where() + ": eps must be above 0, not " + eps);
            return new Oft(
                    (int) c.wholeOr("oft_block_size", 0),
                    (int) c.wholeOr("r", 0),
                    cayley(!neumann, Math.max(2, terms), old || reading.legacySeries()),
                    coft ? eps : 0,
                    c.boolOr("block_share", false),
                    // PEFT ≥ 0.16 accepts module_dropout and never applies it; so does a run that
                    // goes on from here.
                    0,
                    true,
                    !c.boolOr("init_weights", true));
        }

        @Override
        public Map<String, Object> toPeft(Method method) {
            var oft = (Oft) method;
            var keys = new LinkedHashMap<String, Object>();
            keys.put("r", oft.blocks);
            keys.put("oft_block_size", oft.block);
            keys.put("module_dropout", oft.dropout);
            keys.put("init_weights", !oft.random);
            keys.put("coft", oft.eps > 0);
            keys.put("eps", oft.eps > 0 ? oft.eps : 6e-5);
            keys.put("block_share", oft.share);
            keys.put("use_cayley_neumann", oft.cayley instanceof Cayley.Neumann);
            keys.put(
                    "num_cayley_neumann_terms",
                    oft.cayley instanceof Cayley.Neumann n ? n.terms() : 5);
            keys.put("fan_in_fan_out", false);
            // A file without a version is how PEFT 0.16 and 0.17 marked (or did not mark) their
            // polynomial.
            if (oft.cayley instanceof Cayley.Neumann n && n.legacy())
                keys.put("peft_version", "0.17.1");
            return keys;
        }
    }
}
