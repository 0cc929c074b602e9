package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Targets;
import dev.gyre.model.Effects;
import dev.gyre.model.Hook;
import dev.gyre.model.HookPoint;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Prompt tuning (arXiv 2104.08691): the embeddings P [V, d] of V virtual tokens before every
 * sequence learn, and nothing else. They take positions 0 … V−1, as in PEFT. From the first step on
 * they are seen, so it does not start as the base.
 *
 * @param tokens V
 */
public record PromptTuning(int tokens, Start start) implements Method {
    /** What the virtual tokens are at first. */
    public enum Start {
        /** Embeddings of words drawn from the vocabulary (PEFT's {@code SAMPLE_VOCAB}). */
        VOCABULARY,
        /** Normal numbers with deviation 1. */
        RANDOM,
        /** A text's embeddings; known of files alone. */
        TEXT
    }

    @Override
    public String name() {
        return "prompt-tuning";
    }

    @Override
    public double learningRate() {
        return 3e-2;
    }

    @Override
    public List<Slot> slots(Targets targets, Model model) {
        return Fits.nowhere(name(), targets);
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        return new AtBeginning(Fits.point(name(), HookPoint.Kind.BEGINNING, model), model);
    }

    private final class AtBeginning implements Attachment {
        private final HookPoint point;
        private final Model model;

        AtBeginning(HookPoint point, Model model) {
            this.point = point;
            this.model = model;
        }

        @Override
        public List<Declared> parameters() {
            var prompt =
                    new Declared(
                            PromptKind.TENSOR,
                            new long[] {tokens, point.width()},
                            start == Start.VOCABULARY
                                    ? (random, shape) -> words(random)
                                    : Declared.normal(1));
            return List.of(prompt.called(PromptKind.TENSOR));
        }

        private Tensor words(Random random) {
            Slot embedding =
                    model.slots().stream()
                            .filter(s -> s.kind() == Slot.Kind.EMBEDDING)
                            .findFirst()
                            .orElseThrow();
            float[] drawn = random.uniform(0, model.vocabulary(), tokens).toFloats();
            int[] ids = new int[tokens];
            Arrays.setAll(ids, i -> Math.min((int) drawn[i], model.vocabulary() - 1));
            return embedding.weight().rows(Tensor.of(ids));
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            var hook =
                    new Hook.VirtualTokens(
                            learned.get(PromptKind.TENSOR), "virtual tokens are no weight");
            return new Effects(Map.of(), Map.of(), Map.of(point.name(), hook));
        }
    }

    /** The registry's line for prompt tuning. */
    public static final MethodKind KIND = new PromptTuningKind();
}
