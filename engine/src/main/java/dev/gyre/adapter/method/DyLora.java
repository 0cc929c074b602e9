package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * DyLoRA (arXiv 2210.07558): LoRA that is trained for every rank up to r at once. Each step draws
 * one b between {@code least} and r for the whole model and uses the first b rows of A and columns
 * of B alone, with s = alpha/b. The other rows get no gradient in that step; an optimiser's
 * momentum may still move them, as in the authors' code.
 *
 * @param lora A and B of the full rank
 * @param least smallest rank to draw
 * @param used rank outside of training, from {@code least} to r
 */
public record DyLora(Lora lora, int least, int used) implements Method {
    public DyLora {
        if (least > lora.rank() || used > lora.rank())
            throw new UserError(
                    "method dylora: least = %d and used = %d must be at most the rank, %d"
                            .formatted(least, used, lora.rank()));
        if (lora.rslora() || lora.bias() || !lora.rankPattern().isEmpty())
            throw new UserError(
                    "method dylora: rslora, bias and rank_pattern are not known with it");
    }

    @Override
    public String name() {
        return "dylora";
    }

    @Override
    public double learningRate() {
        return lora.learningRate();
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        slots.forEach(s -> Fits.linear(name(), s));
        return new Drawing(slots);
    }

    private final class Drawing implements Attachment {
        private final List<Slot> slots;
        private int drawn = lora.rank();

        Drawing(List<Slot> slots) {
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            return slots.stream().flatMap(s -> lora.parameters(s).stream()).toList();
        }

        @Override
        public void stepBegins(long step, Learned learned) {
            try (var random = Random.seeded(step)) {
                drawn = least + random.permutation(lora.rank() - least + 1)[0];
            }
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            int b = tape.training() ? drawn : used;
            var effects = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                Var rows = first(tape, learned.get(Lora.a(slot)), 0, b);
                Var columns = first(tape, learned.get(Lora.b(slot)), 1, b);
                double s = lora.scale(slot) * lora.rank() / b;
                effects.put(
                        slot.name(),
                        new Effect.Linear(
                                null, null, new Thin(rows, columns, s), null, lora.dropout()));
            }
            return new Effects(effects, Map.of());
        }
    }

    /**
     * The first b rows (dimension 0) or columns (1): a window on the values and their gradients.
     */
    private static Var first(Tape tape, Var all, int dim, int b) {
        Tensor part = all.value().narrow(dim, 0, b);
        return tape.needs(all)
                ? Var.leaf(part, all.gradientBuffer().narrow(dim, 0, b))
                : Var.constant(part);
    }

    /** The registry's line for DyLoRA. */
    public static final MethodKind KIND =
            new OnLora<DyLora>(
                    "dylora",
                    "LoRA trained for every rank up to its own at once",
                    DyLora.class,
                    m -> m.lora) {
                private static final String LEAST = "dylora_r_min";
                private static final String USED = "dylora_r_used";
                private static final String RANK = "dylora_r";

                @Override
                void describe(Map<String, String> settings) {
                    settings.keySet().removeAll(Set.of("rslora", "bias", "rank_pattern"));
                    settings.put("least", "1: smallest rank to draw");
                    settings.put(
                            "used", "(the rank): rank outside of training; PEFT loads no other");
                }

                @Override
                DyLora of(Lora lora, Settings s) {
                    int least = s.whole("least", 1, 1);
                    return new DyLora(lora, least, s.whole("used", lora.rank(), least));
                }

                @Override
                DyLora fromPeft(Lora lora, Tree config, Reading reading) {
                    return new DyLora(
                            lora.withRank(PeftNumbers.rank(config, RANK, lora.rank())),
                            PeftNumbers.rank(config, LEAST, 1),
                            PeftNumbers.rank(config, USED, lora.rank()));
                }

                @Override
                Map<String, Object> ownKeys(DyLora method) {
                    var keys = new LinkedHashMap<String, Object>();
                    keys.put(MARK, name());
                    keys.put(LEAST, method.least);
                    keys.put(USED, method.used);
                    if (method.used < method.lora.rank()) {
                        // The scale that PEFT makes of it is right for this rank alone, so PEFT is
                        // to stop at tensors that have more, and not to use them.
                        keys.put("r", method.used);
                        keys.put(RANK, method.lora.rank());
                    }
                    return keys;
                }

                @Override
                Set<String> more() {
                    return Set.of(LEAST, USED, RANK);
                }
            };
}
