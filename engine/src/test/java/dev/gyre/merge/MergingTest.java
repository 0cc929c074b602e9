package dev.gyre.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.Targets;
import dev.gyre.adapter.method.Methods;
import dev.gyre.config.UserError;
import dev.gyre.model.Activations;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.PicoModels;
import dev.gyre.model.Tokens;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Merged equals unmerged, for one adapter and for several in their order. */
class MergingTest {
    record Case(String name, boolean biased, List<String> methods) {}

    static Stream<Case> cases() {
        return Stream.of(
                new Case("oft", false, List.of("oft:8")),
                new Case("oft exact", true, List.of("exact:4")),
                new Case("lora", false, List.of("lora:3")),
                new Case("two rotations", false, List.of("oft:8", "exact:16")),
                new Case("rotation, then low rank", true, List.of("oft:8", "lora:2")),
                new Case("low rank, then rotation", false, List.of("lora:2", "oft:8")));
    }

    private static Adapter adapter(Model model, String word, long seed, Targets targets) {
        int number = Integer.parseInt(word.substring(word.indexOf(':') + 1));
        var settings = new HashMap<String, Object>();
        if (word.startsWith("lora")) settings.put("rank", number);
        else settings.put("block", number);
        if (word.startsWith("exact")) settings.put("exact", true);
        var adapter =
                Adapter.attach(
                        Methods.make(word.startsWith("lora") ? "lora" : "oft", settings),
                        targets,
                        model,
                        seed);
        try (var _ = Scope.open();
                var random = Random.seeded(seed)) {
            adapter.values().plusInPlace(random.normal(adapter.trainable()), 0.1);
        }
        return adapter;
    }

    private static Tensor logits(Model model, List<Effects> adapters) {
        try (var tape = Tape.off()) {
            var tokens =
                    Tokens.of(List.of(new int[] {5, 9, 33, 2, 70}, new int[] {8, 1}), adapters);
            return model.logits(tape, model.hidden(tape, tokens, List.of()), tokens.spans())
                    .value();
        }
    }

    /** The merged weights in place of the base's. */
    private static Effects merged(Model model, List<Effects> adapters) {
        var merging = new Merging(model, adapters);
        var parameters = new HashMap<String, Var>();
        for (var slot : model.slots())
            parameters.put(slot.name() + ".weight", Var.constant(merging.weight(slot)));
        merging.vectors().forEach((name, value) -> parameters.put(name, Var.constant(value)));
        return new Effects(Map.of(), parameters);
    }

    private static double distance(Tensor a, Tensor b) {
        return a.minus(b).abs().max().item() / b.abs().max().item();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void mergedEqualsUnmerged(Case c) {
        try (var _ = Scope.open();
                var model = PicoModels.of(DType.F32, false, c.biased, Activations.KEEP);
                var tape = Tape.off()) {
            var adapters =
                    Stream.iterate(0, i -> i < c.methods.size(), i -> i + 1)
                            .map(i -> adapter(model, c.methods.get(i), 11 + i, Targets.allLinear()))
                            .toList();
            List<Effects> effects = adapters.stream().map(a -> a.effects(tape)).toList();
            Tensor unmerged = logits(model, effects);
            assertThat(distance(unmerged, logits(model, List.of()))).isGreaterThan(1e-2);
            assertThat(distance(logits(model, List.of(merged(model, effects))), unmerged))
                    .isLessThan(1e-5);
            if (c.methods.size() == 2 && c.methods.stream().noneMatch(m -> m.startsWith("lora")))
                assertThat(
                                distance(
                                        logits(model, List.of(merged(model, effects.reversed()))),
                                        unmerged))
                        .as("the order matters")
                        .isGreaterThan(1e-3);
            adapters.forEach(Adapter::close);
        }
    }

    @Test
    void embeddingsHeadsNormsAndBiasesMergeToo() {
        try (var _ = Scope.open();
                var model = PicoModels.biased(DType.F32);
                var tape = Tape.off()) {
            var targets =
                    new Targets(
                            Targets.choice(List.of("embed_tokens", "q_proj")),
                            Targets.NOTHING,
                            List.of(),
                            List.of(),
                            List.of("norm", "lm_head"),
                            Targets.Bias.ALL);
            for (String method : List.of("oft:8", "lora:2")) {
                try (Adapter adapter = adapter(model, method, 4, targets)) {
                    List<Effects> effects = List.of(adapter.effects(tape));
                    assertThat(new Merging(model, effects).tied()).isFalse();
                    assertThat(
                                    distance(
                                            logits(model, List.of(merged(model, effects))),
                                            logits(model, effects)))
                            .isLessThan(1e-5);
                }
            }
        }
    }

    @Test
    void whatCannotBeMergedSaysWhy() {
        try (var model = PicoModels.plain(DType.F32)) {
            var gate = new Effect.Gated((tape, x, y) -> y, "its gate depends on the input");
            var effects = new Effects(Map.of("model.layers.0.mlp.up_proj", gate), Map.of());
            assertThatThrownBy(() -> new Merging(model, List.of(effects)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("its gate depends on the input")
                    .hasMessageContaining("model.layers.0.mlp.up_proj");
        }
    }
}
