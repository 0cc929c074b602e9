package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.config.UserError;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Low-rank adaptation (LoRA, arXiv 2106.09685): y = x·Wᵀ + bias + s·(drop(x)·Aᵀ)·Bᵀ with s =
 * alpha/rank, or alpha/√rank for rsLoRA (arXiv 2312.03732). Starts at B = 0.
 *
 * @param rank r
 * @param alpha numerator of s
 * @param dropout share of the adapter's inputs dropped in training
 * @param rslora s = alpha/√rank
 * @param bias a learned vector beside B, scaled as B is (PEFT's {@code lora_bias})
 * @param rankPattern ranks of modules whose path ends with a name or matches a regular expression
 * @param alphaPattern alphas likewise
 */
public record Lora(
        int rank,
        double alpha,
        double dropout,
        boolean rslora,
        boolean bias,
        Map<String, Double> rankPattern,
        Map<String, Double> alphaPattern,
        Start start)
        implements Method.PerSlot {
    public Lora {
        rankPattern.forEach(
                (pattern, r) -> {
                    if (r < 1 || r != Math.rint(r) || r > Integer.MAX_VALUE)
                        throw new UserError(
                                "method lora: the rank of %s in rank_pattern must be a whole number from 1 on, not %s"
                                        .formatted(pattern, r));
                });
    }

    /**
     * How A starts: as PEFT's default, as its "gaussian", or (for tests) A and B as linear layers
     * start.
     */
    enum Start {
        UNIFORM,
        GAUSSIAN,
        BOTH
    }

    @Override
    public String name() {
        return "lora";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    Lora withAlpha(double other) {
        return new Lora(rank, other, dropout, rslora, bias, rankPattern, alphaPattern, start);
    }

    Lora withRank(int other) {
        return new Lora(other, alpha, dropout, rslora, bias, rankPattern, alphaPattern, start);
    }

    Lora withoutDropout() {
        return new Lora(rank, alpha, 0, rslora, bias, rankPattern, alphaPattern, start);
    }

    int rank(Slot slot) {
        return Fits.pattern(rankPattern, slot).map(Double::intValue).orElse(rank);
    }

    double scale(Slot slot) {
        double a = Fits.pattern(alphaPattern, slot).orElse(alpha);
        return rslora ? a / Math.sqrt(rank(slot)) : a / rank(slot);
    }

    static boolean embeds(Slot slot) {
        return slot.kind() == Slot.Kind.EMBEDDING;
    }

    static String a(Slot slot) {
        return slot.name() + (embeds(slot) ? ".lora_embedding_A" : ".lora_A.weight");
    }

    static String b(Slot slot) {
        return slot.name() + (embeds(slot) ? ".lora_embedding_B" : ".lora_B.weight");
    }

    private static String beta(Slot slot) {
        return slot.name() + ".lora_B.bias";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        int r = rank(slot);
        var declared = new ArrayList<Declared>();
        declared.add(new Declared(a(slot), new long[] {r, slot.in()}, startOfA(slot, r)));
        declared.add(new Declared(b(slot), new long[] {slot.out(), r}, startOfB(slot, r)));
        if (bias && !embeds(slot))
            declared.add(new Declared(beta(slot), new long[] {slot.out()}, Declared.ZEROS));
        return declared;
    }

    private Declared.Initial startOfA(Slot slot, int r) {
        if (embeds(slot)) return Declared.ZEROS;
        return start == Start.GAUSSIAN
                ? Declared.normal(1.0 / r)
                : Declared.uniform(1 / Math.sqrt(slot.in()));
    }

    private Declared.Initial startOfB(Slot slot, int r) {
        if (embeds(slot)) return Declared.normal(1);
        return start == Start.BOTH ? Declared.uniform(1 / Math.sqrt(r)) : Declared.ZEROS;
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        var map = new Thin(learned.get(a(slot)), learned.get(b(slot)), scale(slot));
        if (!bias || embeds(slot)) return new Effect.Linear(null, null, map, null, dropout);
        return new Effect.Linear(
                null, null, map, scaled(tape, learned.get(beta(slot)), scale(slot)), dropout);
    }

    private static Var scaled(Tape tape, Var v, double s) {
        Tensor y = v.value().times(s);
        return tape.needs(v) ? tape.record(y, dy -> v.accumulate(dy.times(s))) : Var.constant(y);
    }

    /** The registry's line for LoRA. */
    public static final MethodKind KIND = new LoraKind();
}
