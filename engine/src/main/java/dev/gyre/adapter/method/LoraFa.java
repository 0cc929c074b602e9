package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * LoRA-FA (arXiv 2308.03303): LoRA whose A stays as it was drawn, so that half of the numbers
 * learn. With {@code corrected} B's gradient is multiplied by (A·Aᵀ + ε)⁻¹/s², which makes the step
 * on the weight the nearest to full fine-tuning's, as PEFT's optimiser of that name does.
 *
 * @param lora A and B
 * @param corrected whether B's gradient is corrected
 */
public record LoraFa(Lora lora, boolean corrected) implements Method.PerSlot {
    private static final double DAMPING = 1e-8;

    @Override
    public String name() {
        return "lora-fa";
    }

    @Override
    public double learningRate() {
        return 2e-3;
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        return lora.parameters(slot).stream()
                .map(
                        d ->
                                d.name().equals(Lora.a(slot))
                                        ? Declared.kept(d.name(), d.shape(), d.initial())
                                        : d)
                .toList();
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        return lora.effect(tape, slot, learned);
    }

    @Override
    public void gradientsReady(Slot slot, Learned learned) {
        if (!corrected) return;
        Tensor a = learned.get(Lora.a(slot)).value();
        Var b = learned.get(Lora.b(slot));
        Tensor square = a.matmul(a.transpose(0, 1));
        Tensor damped = square.plusInPlace(Tensor.eye(a.dtype(), a.size(0)), DAMPING);
        double s = lora.scale(slot);
        Tensor gradient = b.gradientBuffer();
        // G·S⁻¹ with a symmetric S, as the transpose of S⁻¹·Gᵀ.
        Tensor solved = damped.solve(gradient.transpose(0, 1).contiguous()).transpose(0, 1);
        gradient.copyFrom(solved.times(1 / (s * s)));
    }

    /** The registry's line for LoRA-FA. */
    public static final MethodKind KIND =
            new OnLora<LoraFa>(
                    "lora-fa",
                    "LoRA whose A stays as drawn, so that B alone learns",
                    LoraFa.class,
                    m -> m.lora) {
                private static final String CORRECTED = "lorafa_corrected";

                @Override
                public String count() {
                    return "rank * out";
                }

                @Override
                void describe(Map<String, String> settings) {
                    settings.put(
                            "corrected", "false: B's gradient as near to full tuning's as can be");
                }

                @Override
                LoraFa of(Lora lora, Settings s) {
                    return new LoraFa(lora, s.flag("corrected", false));
                }

                @Override
                LoraFa fromPeft(Lora lora, Tree config, Reading reading) {
                    return new LoraFa(lora, config.boolOr(CORRECTED, false));
                }

                @Override
                Map<String, Object> ownKeys(LoraFa method) {
                    return Map.of(MARK, name(), CORRECTED, method.corrected);
                }

                @Override
                Set<String> more() {
                    return Set.of(CORRECTED);
                }
            };
}
