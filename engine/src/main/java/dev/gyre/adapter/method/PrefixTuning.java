package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Targets;
import dev.gyre.config.UserError;
import dev.gyre.model.Effects;
import dev.gyre.model.Hook;
import dev.gyre.model.HookPoint;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Var;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Prefix tuning (arXiv 2101.00190): in each layer V learned keys and values stand before those of
 * every sequence. One tensor [V, 2·layers·Hkv·D] holds them, a layer's keys before its values, as
 * PEFT's files do; keys are not turned by rotary positions, and the sequence's own positions begin
 * at V. Attention always gives them weight, so it does not start as the base. PEFT's projection, a
 * network that makes the prefix in training, is not in files and is not trained here.
 *
 * @param tokens V
 * @param zero start at zeros instead of normal numbers with deviation 1 (PEFT's {@code
 *     init_weights})
 */
public record PrefixTuning(int tokens, boolean zero) implements Method {
    @Override
    public String name() {
        return "prefix-tuning";
    }

    @Override
    public double learningRate() {
        return 1e-2;
    }

    @Override
    public List<Slot> slots(Targets targets, Model model) {
        return Fits.nowhere(name(), targets);
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        List<HookPoint> points =
                model.hookPoints().stream().filter(p -> p.kind() == HookPoint.Kind.PREFIX).toList();
        if (points.stream().mapToLong(HookPoint::width).distinct().count() != 1)
            throw new UserError(
                    "method %s needs layers whose keys are alike, which a model of %s lacks"
                            .formatted(name(), model.family()));
        return new InLayers(points);
    }

    private final class InLayers implements Attachment {
        private final List<HookPoint> points;

        InLayers(List<HookPoint> points) {
            this.points = points;
        }

        private long width() {
            return points.getFirst().width();
        }

        @Override
        public List<Declared> parameters() {
            var all =
                    new Declared(
                            PromptKind.TENSOR,
                            new long[] {tokens, 2L * points.size() * width()},
                            zero ? Declared.ZEROS : Declared.normal(1));
            return List.of(all.called(PromptKind.TENSOR));
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            Var all = learned.get(PromptKind.TENSOR);
            var hooks = new LinkedHashMap<String, Hook>();
            for (int i = 0; i < points.size(); i++)
                hooks.put(
                        points.get(i).name(),
                        new Hook.Prefix(
                                part(tape, all, 2L * i),
                                part(tape, all, 2L * i + 1),
                                "what attention sees before a sequence is no weight"));
            return new Effects(Map.of(), Map.of(), hooks);
        }

        private Var part(Tape tape, Var all, long index) {
            return SideBySide.part(tape, all, index * width(), width());
        }
    }

    /** The registry's line for prefix tuning. */
    public static final MethodKind KIND = new PrefixTuningKind();
}
