package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * LoRA-Pro (arXiv 2407.18242): LoRA whose A and B move so that the step on the weight is the
 * nearest to full fine-tuning's ({@link Equivalent}), by the learning rate alone. With {@code adam}
 * the step that they follow is Adam's in the weight's own space, whose two moments, of the weight's
 * size, this keeps in training; the reference's oddities (a bias correction of t+1, a fixed scale,
 * moments in bf16) are not repeated. Without, it is the gradient itself.
 *
 * @param lora A and B
 */
public record LoraPro(Lora lora, boolean adam) implements Method {
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPS = 1e-8;

    public LoraPro {
        if (lora.dropout() > 0)
            throw new UserError("method lora-pro: dropout is not known with it; leave it at 0");
    }

    @Override
    public String name() {
        return "lora-pro";
    }

    @Override
    public double learningRate() {
        return adam ? 2e-4 : 1e-1;
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        slots.forEach(s -> Fits.linear(name(), s));
        return new OnSlots(lora.attach(slots, model), slots);
    }

    /** Moments of a weight's gradient, [out, in]. */
    private record Moments(Tensor mean, Tensor square) {}

    private final class OnSlots implements Attachment {
        private final Attachment plain;
        private final List<Slot> slots;
        private final Scope home = Scope.detached();
        private final Map<Slot, Moments> moments = new HashMap<>();
        private int steps;

        OnSlots(Attachment plain, List<Slot> slots) {
            this.plain = plain;
            this.slots = slots;
        }

        @Override
        public List<Declared> parameters() {
            return plain.parameters();
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            return plain.effects(tape, learned);
        }

        @Override
        public boolean movesByGradient(String name) {
            return name.endsWith(".weight");
        }

        @Override
        public void gradientsClipped(Learned learned) {
            steps++;
            for (Slot slot : slots) {
                try (var _ = Scope.open()) {
                    direct(slot, learned.get(Lora.a(slot)), learned.get(Lora.b(slot)));
                }
            }
        }

        private void direct(Slot slot, Var a, Var b) {
            double s = lora.scale(slot);
            var step = new Equivalent(a.value(), b.value(), s);
            Tensor ga = a.gradientBuffer();
            Tensor gb = b.gradientBuffer();
            if (adam) {
                Tensor full = normalised(slot, step.onWeight(step.direction(ga, gb, false)));
                ga.copyFrom(b.value().transpose(0, 1).matmul(full).timesInPlace(s));
                gb.copyFrom(full.matmul(a.value().transpose(0, 1)).timesInPlace(s));
            }
            Equivalent.Direction direction = step.direction(ga, gb, true);
            ga.copyFrom(direction.a());
            gb.copyFrom(direction.b());
        }

        /** Adam's step from a gradient of the weight. */
        private Tensor normalised(Slot slot, Tensor g) {
            Moments m = moments.computeIfAbsent(slot, _ -> zeros(g));
            m.mean.timesInPlace(BETA1).plusInPlace(g, 1 - BETA1);
            m.square.timesInPlace(BETA2).plusProductInPlace(g, g, 1 - BETA2);
            Tensor root = m.square.times(1 / (1 - Math.pow(BETA2, steps))).sqrt().plusInPlace(EPS);
            return m.mean.dividedBy(root).timesInPlace(1 / (1 - Math.pow(BETA1, steps)));
        }

        private Moments zeros(Tensor like) {
            return new Moments(home.adopt(like.zerosLike()), home.adopt(like.zerosLike()));
        }

        @Override
        public void close() {
            home.close();
        }
    }

    /** The registry's line for LoRA-Pro. */
    public static final MethodKind KIND =
            new OnLora<LoraPro>(
                    "lora-pro",
                    "LoRA whose steps come as near to full fine-tuning's as can be",
                    LoraPro.class,
                    m -> m.lora) {
                private static final String ADAM = "lorapro_adam";

                @Override
                void describe(Map<String, String> settings) {
                    settings.remove("dropout");
                    settings.put("rule", "adam: the step that it comes near to; or sgd");
                }

                @Override
                LoraPro of(Lora lora, Settings s) {
                    String rule = s.oneOf("rule", "adam", List.of("adam", "sgd"));
                    return new LoraPro(lora, rule.equals("adam"));
                }

                @Override
                LoraPro fromPeft(Lora lora, Tree config, Reading reading) {
                    return new LoraPro(lora, config.boolOr(ADAM, true));
                }

                @Override
                Map<String, Object> ownKeys(LoraPro method) {
                    return Map.of(MARK, name(), ADAM, method.adam);
                }

                @Override
                Set<String> more() {
                    return Set.of(ADAM);
                }
            };
}
