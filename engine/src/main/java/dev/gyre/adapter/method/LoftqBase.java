package dev.gyre.adapter.method;

import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.model.Slot;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.Scope;

import java.util.HashSet;
import java.util.List;

/**
 * The base that PEFT encoded for an adapter with {@code init_lora_weights = loftq}: plain numbers,
 * rounded in place to what NF4 or 8 bits hold. The adapter's file does not hold it, and PEFT makes
 * it anew from the base before when it reads the file. From the second round on it cannot be made
 * without the adapter's whole start.
 *
 * @param bits of an encoded number, 4 or 8
 * @param rounds of encoding and approximation
 */
public record LoftqBase(int bits, int rounds) {
    /** Numbers that share a scale in NF4 as LoftQ takes it. */
    private static final int BLOCK = 64;

    /** Looked at in each slot. */
    private static final long NUMBERS = 4096;

    /** Of a configuration's {@code loftq_config}, with PEFT's defaults. */
    static LoftqBase of(Tree config) {
        var own = config.get("loftq_config");
        int bits = own.flatMap(c -> c.get("loftq_bits")).map(Tree::wholeInt).orElse(4);
        int rounds = own.flatMap(c -> c.get("loftq_iter")).map(Tree::wholeInt).orElse(1);
        if (bits != 4 && bits != 8 || rounds < 1)
            throw config.saying(
                    "loftq_config has loftq_bits = %d and loftq_iter = %d; PEFT encodes in 4 or 8 bits, in 1 round or more"
                            .formatted(bits, rounds));
        return new LoftqBase(bits, rounds);
    }

    /** Refuses a base whose numbers cannot be of this encoding: there are too many of them. */
    void check(List<Slot> slots) {
        for (Slot slot : slots)
            if (!fits(slot))
                throw new UserError(
                        "method loftq: PEFT encoded the base of this adapter in %d bits (loftq_iter = %d), and %s has numbers that are not of it; give the folder that PEFT's encoded base was saved in (model.unload().save_pretrained)%s"
                                .formatted(
                                        bits,
                                        rounds,
                                        slot.name(),
                                        onceInFourBits()
                                                ? ", or the same base with --base-encoding nf4"
                                                : ""));
    }

    /** Whether the base is NF4 of the plain one: ours has rounded scales, which differ little. */
    private boolean onceInFourBits() {
        return bits == 4 && rounds == 1;
    }

    private boolean fits(Slot slot) {
        Weight weight = slot.weight();
        // What was encoded when it was loaded says nothing of the numbers in its file.
        if (!onceInFourBits()) weight = weight.original().orElse(weight);
        long columns = weight.in();
        float[] values;
        try (var _ = Scope.open()) {
            values =
                    weight.panel(0, Math.min(weight.out(), Math.ceilDiv(NUMBERS, columns)))
                            .toFloats();
        }
        int together = bits == 4 ? BLOCK : Math.toIntExact(columns);
        for (int from = 0; from + together <= values.length; from += together) {
            var different = new HashSet<Float>();
            // −0 + 0 is 0: one number, not two.
            for (int i = from; i < from + together; i++) different.add(values[i] + 0f);
            if (different.size() > 1 << bits) return false;
        }
        return true;
    }
}
