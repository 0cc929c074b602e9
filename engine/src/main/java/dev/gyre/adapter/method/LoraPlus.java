package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * LoRA+ (arXiv 2402.12354): LoRA whose B learns at a rate {@code ratio} times A's, because B, which
 * starts at 0, must move further. An embedding's two factors keep A's rate.
 *
 * @param lora A and B
 * @param ratio of the rates, above 0
 */
public record LoraPlus(Lora lora, double ratio) implements Method {
    @Override
    public String name() {
        return "lora-plus";
    }

    @Override
    public double learningRate() {
        return 2e-4;
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        return new AtTwoRates(lora.attach(slots, model), ratio);
    }

    private record AtTwoRates(Attachment plain, double ratio) implements Attachment {
        @Override
        public List<Declared> parameters() {
            return plain.parameters();
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            return plain.effects(tape, learned);
        }

        @Override
        public double learningRateFactor(String name) {
            return name.contains(".lora_B.") ? ratio : 1;
        }
    }

    /** The registry's line for LoRA+. */
    public static final MethodKind KIND =
            new OnLora<LoraPlus>(
                    "lora-plus",
                    "LoRA whose B learns faster than its A (LoRA+)",
                    LoraPlus.class,
                    m -> m.lora) {
                private static final String RATIO = "loraplus_lr_ratio";

                @Override
                void describe(Map<String, String> settings) {
                    settings.put("ratio", "16: B's learning rate over A's, above 0");
                }

                @Override
                LoraPlus of(Lora lora, Settings s) {
                    return new LoraPlus(
                            lora, s.real("ratio", 16, 0, false, Double.POSITIVE_INFINITY));
                }

                @Override
                LoraPlus fromPeft(Lora lora, Tree config, Reading reading) {
                    return new LoraPlus(lora, config.realOr(RATIO, 16));
                }

                @Override
                Map<String, Object> ownKeys(LoraPlus method) {
                    return Map.of(MARK, name(), RATIO, method.ratio);
                }

                @Override
                Set<String> more() {
                    return Set.of(RATIO);
                }
            };
}
