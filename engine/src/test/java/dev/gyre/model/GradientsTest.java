package dev.gyre.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.Targets;
import dev.gyre.adapter.method.Methods;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.train.MethodSpec;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The whole decoder's hand-written backward pass against finite differences in float64. */
class GradientsTest {
    private static final List<int[]> SEQUENCES =
            List.of(new int[] {5, 9, 33, 2, 70}, new int[] {8, 1, 4});
    private static final int[] LABELS = {9, -1, 2, 70, -1, 1, 4, -1};

    record Case(String name, Map<String, Object> settings, Targets targets, boolean biased) {}

    static Stream<Case> cases() {
        var all = Targets.allLinear();
        var wide =
                new Targets(
                        Targets.choice(List.of("embed_tokens", "q_proj", "down_proj")),
                        Targets.NOTHING,
                        List.of(),
                        List.of(),
                        List.of("norm", "lm_head"),
                        Targets.Bias.ALL);
        return Stream.of(
                new Case("oft", Map.of("block", 8), all, false),
                new Case("oft", Map.of("blocks", 4, "exact", true), all, true),
                new Case("oft", Map.of("block", 8, "share", true, "terms", 6), all, false),
                new Case("oft", Map.of("block", 4), wide, true),
                new Case("lora", Map.of("rank", 3), all, false),
                new Case("lora", Map.of("rank", 2, "rslora", true, "bias", true), all, true),
                new Case("lora", Map.of("rank", 2), wide, true),
                // With a tied head the coupling is undone before it.
                new Case("invertible", Map.of("size", 2), all, true));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void agreeWithFiniteDifferences(Case c) {
        try (var model = PicoModels.of(DType.F64, c.biased, c.biased, Activations.KEEP);
                var adapter =
                        perturbed(
                                Adapter.attach(
                                        Methods.make(c.name, c.settings), c.targets, model, 1))) {
            compare(model, adapter);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "oft:block=8",
                "lora:rank=2",
                "sequential",
                "ia3",
                "prompt-tuning:tokens=3",
                "prefix-tuning:tokens=3"
            })
    void agreeWhenActivationsAreComputedAgain(String word) {
        try (var model = PicoModels.of(DType.F64, false, false, Activations.RECOMPUTE);
                var adapter = attached(word, model)) {
            compare(model, adapter);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"oft:block=8", "lora:rank=2", "sequential", "hra:rank=2", "flylora:rank=4"})
    void activationsInBf16ChangeGradientsALittleAndNotTheLoss(String word) {
        float[] exact = gradient(word, Activations.KEEP);
        float[] rounded = gradient(word, Activations.BF16);
        double error = 0;
        double length = 0;
        for (int i = 1; i < exact.length; i++) {
            error += Math.pow(rounded[i] - exact[i], 2);
            length += Math.pow(exact[i], 2);
        }
        // bf16 rounds by up to 2⁻⁹, and attention's weights are exponentials of what was rounded.
        assertThat(Math.sqrt(error / length)).isBetween(1e-5, 1.0 / 64);
        assertThat(rounded[0]).as("loss").isEqualTo(exact[0]);
    }

    /** The loss, and the gradients behind it, in f32. */
    private static float[] gradient(String word, Activations activations) {
        try (var model = PicoModels.wideHeads(DType.F32, activations);
                var adapter = attached(word, model);
                var _ = Scope.open();
                var outer = Tape.recording(1);
                var inner = Tape.recording(2)) {
            var tokens = Tokens.of(SEQUENCES, List.of(adapter.effects(outer)));
            Var loss = model.loss(inner, tokens, LABELS, 0.5);
            inner.backward(loss);
            outer.backward();
            return Tensor.cat(List.of(loss.value().view(1), adapter.gradients()), 0).toFloats();
        }
    }

    private static Adapter attached(String word, Model model) {
        var spec = MethodSpec.of(word);
        var method = Methods.make(spec.name(), spec.settings());
        return perturbed(Adapter.attach(method, Targets.allLinear(), model, 1));
    }

    private static Adapter perturbed(Adapter adapter) {
        try (var _ = Scope.open();
                var random = Random.seeded(5)) {
            adapter.values().plusInPlace(random.normal(adapter.trainable()), 0.1);
        }
        return adapter;
    }

    /**
     * The model computes in f64; the adapter's f32 numbers are widened, so that differences of 1e-6
     * mean something.
     */
    private static void compare(Model model, Adapter adapter) {
        double[] at = adapter.values().toDoubles();
        double[] gradient = new double[at.length];
        double base = loss(model, adapter, at, gradient);
        assertThat(base).isGreaterThan(0);
        double h = 1e-5;
        for (int i = 0; i < at.length; i += Math.max(1, at.length / 150)) {
            double[] up = at.clone();
            double[] down = at.clone();
            up[i] += h;
            down[i] -= h;
            double numeric =
                    (loss(model, adapter, up, NONE) - loss(model, adapter, down, NONE)) / (2 * h);
            assertThat(gradient[i])
                    .as("number %d", i)
                    .isCloseTo(numeric, within(1e-6 * Math.max(1, Math.abs(numeric))));
        }
    }

    private static final double[] NONE = {};

    private static double loss(
            Model model, Adapter adapter, double[] values, double[] gradientOut) {
        try (var _ = Scope.open();
                var outer = gradientOut.length == 0 ? Tape.off() : Tape.recording(1);
                var inner = gradientOut.length == 0 ? Tape.off() : Tape.recording(2)) {
            Wide wide = new Wide(adapter, values);
            Effects effects = wide.effects(outer);
            var tokens = Tokens.of(SEQUENCES, List.of(effects));
            Var loss = model.loss(inner, tokens, LABELS, 0.5);
            double value = loss.value().item();
            if (gradientOut.length > 0) {
                inner.backward(loss);
                outer.backward();
                System.arraycopy(wide.gradient(), 0, gradientOut, 0, gradientOut.length);
            }
            return value;
        }
    }

    /** An adapter's tensors in float64. */
    private static final class Wide {
        private final Adapter adapter;
        private final Map<String, Var> learned = new java.util.LinkedHashMap<>();
        private final Map<String, Var> replaced = new java.util.LinkedHashMap<>();
        private final Tensor gradient;

        Wide(Adapter adapter, double[] values) {
            this.adapter = adapter;
            Tensor all = Tensor.of(values);
            gradient = Tensor.zeros(DType.F64, values.length);
            long at = 0;
            for (var map :
                    List.of(
                            Map.entry(adapter.learned(), learned),
                            Map.entry(adapter.replaced(), replaced))) {
                for (var entry : map.getKey().entrySet()) {
                    long[] shape = entry.getValue().value().shape();
                    long n = entry.getValue().value().elements();
                    map.getValue()
                            .put(
                                    entry.getKey(),
                                    Var.leaf(
                                            all.narrow(0, at, n).view(shape),
                                            gradient.narrow(0, at, n).view(shape)));
                    at += n;
                }
            }
        }

        Effects effects(Tape tape) {
            var attachment = adapter.method().attach(adapter.slots(), adapter.model());
            var all = new java.util.LinkedHashMap<>(learned);
            adapter.frozen()
                    .forEach((name, v) -> all.put(name, Var.constant(v.value().to(DType.F64))));
            return attachment.effects(tape, new dev.gyre.adapter.Learned(all)).with(replaced);
        }

        double[] gradient() {
            return gradient.toDoubles();
        }
    }
}
