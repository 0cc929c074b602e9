package dev.gyre.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.AdapterFile;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Targets;
import dev.gyre.adapter.method.Methods;
import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.data.Encoded;
import dev.gyre.format.Safetensors;
import dev.gyre.format.StoredTensor;
import dev.gyre.model.Activations;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Families;
import dev.gyre.model.Loading;
import dev.gyre.model.PicoModels;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Torch;
import dev.gyre.tensor.Var;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

/** Training steps: PEFT's losses step by step, the same numbers twice, and nothing left behind. */
class TrainerTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");

    static Stream<Tree> runs() {
        return Json.read(GOLDEN.resolve("training/runs.json")).items().stream();
    }

    @ParameterizedTest
    @MethodSource("runs")
    void hasPeftsLosses(Tree run) {
        Path folder = GOLDEN.resolve("training").resolve(run.need("run").text());
        int steps = run.need("steps").wholeInt();
        int accumulate = run.need("accumulate").wholeInt();
        var schedule =
                Recipe.Schedule.valueOf(run.need("schedule").text().toUpperCase(Locale.ROOT));
        var rate =
                new LearningRate(
                        schedule,
                        run.need("learning_rate").real(),
                        run.need("warmup").whole(),
                        steps);
        try (var arena = Arena.ofConfined();
                var model =
                        Families.open(
                                GOLDEN.resolve("pico-llama").resolve(run.need("model").text()),
                                Loading.PLAIN);
                var adapter =
                        AdapterFile.read(
                                folder.resolve("initial"), model, Reading.strict(w -> {}));
                var trainer =
                        new Trainer(
                                adapter,
                                run.need("weight_decay").real(),
                                run.need("clip").real(),
                                0)) {
            var expected = Safetensors.open(folder.resolve("expected.safetensors"), arena);
            double[] losses = expected.tensor("losses").data().toArray(ValueLayout.JAVA_DOUBLE);
            double[] rates =
                    expected.tensor("learning_rates").data().toArray(ValueLayout.JAVA_DOUBLE);
            List<List<Encoded>> passes = passes(expected.tensor("ids"), expected.tensor("labels"));
            for (int step = 1; step <= steps; step++) {
                assertThat(rate.at(step)).isCloseTo(rates[step - 1], within(1e-9));
                var done =
                        trainer.step(
                                passes.subList((step - 1) * accumulate, step * accumulate),
                                rate.at(step));
                assertThat(done.loss())
                        .as("step %d", step)
                        .isCloseTo(losses[step - 1], within(1e-3));
            }
        }
    }

    /**
     * [passes, rows, length]; a row ends with its last labelled token, as what follows changes
     * nothing.
     */
    private static List<List<Encoded>> passes(StoredTensor ids, StoredTensor labels) {
        long[] id = ids.data().toArray(ValueLayout.JAVA_LONG);
        long[] label = labels.data().toArray(ValueLayout.JAVA_LONG);
        int rows = (int) ids.shape()[1];
        int length = (int) ids.shape()[2];
        var passes = new ArrayList<List<Encoded>>();
        for (int at = 0; at < id.length; at += rows * length) {
            var pass = new ArrayList<Encoded>();
            for (int row = at; row < at + rows * length; row += length) {
                int n = length;
                while (n > 2 && label[row + n - 1] < 0) n--;
                int[] tokens = new int[n];
                boolean[] learned = new boolean[n];
                for (int i = 0; i < n; i++) {
                    tokens[i] = (int) id[row + i];
                    learned[i] = label[row + i] >= 0;
                }
                pass.add(new Encoded(tokens, learned, "golden"));
            }
            passes.add(pass);
        }
        return passes;
    }

    private static List<List<Encoded>> random(long seed, int passes) {
        var random = new Random(seed);
        return Stream.generate(
                        () ->
                                Stream.generate(
                                                () -> {
                                                    int[] ids =
                                                            random.ints(
                                                                            5 + random.nextInt(20),
                                                                            0,
                                                                            97)
                                                                    .toArray();
                                                    boolean[] learned = new boolean[ids.length];
                                                    Arrays.fill(
                                                            learned,
                                                            ids.length / 2,
                                                            ids.length,
                                                            true);
                                                    return new Encoded(ids, learned, "random");
                                                })
                                        .limit(3)
                                        .toList())
                .limit(passes)
                .toList();
    }

    private static float[] trained(
            String method, Map<String, Object> settings, Activations activations, int steps) {
        try (var model = PicoModels.of(DType.F32, false, false, activations);
                var adapter =
                        Adapter.attach(
                                Methods.make(method, settings), Targets.allLinear(), model, 5);
                var trainer = new Trainer(adapter, 0.01, 1, 5)) {
            for (int i = 0; i < steps; i++) trainer.step(random(i, 2), 1e-2);
            try (var _ = Scope.open()) {
                return adapter.values().toFloats();
            }
        }
    }

    @Test
    void oneSeedGivesTheSameNumbersTwice() {
        Map<String, Object> dropping = Map.of("rank", 4, "dropout", 0.2);
        assertThat(trained("lora", dropping, Activations.KEEP, 4))
                .isEqualTo(trained("lora", dropping, Activations.KEEP, 4));
        Map<String, Object> oft = Map.of("block", 8, "dropout", 0.5);
        assertThat(trained("oft", oft, Activations.KEEP, 4))
                .isEqualTo(trained("oft", oft, Activations.KEEP, 4));
    }

    @Test
    void computingActivationsAgainChangesNothing() {
        Map<String, Object> dropping = Map.of("rank", 4, "dropout", 0.2);
        float[] kept = trained("oft", Map.of("block", 8), Activations.KEEP, 3);
        assertThat(trained("oft", Map.of("block", 8), Activations.RECOMPUTE, 3))
                .containsExactly(kept, within(1e-5f));
        assertThat(trained("lora", dropping, Activations.RECOMPUTE, 3))
                .hasSameSizeAs(trained("lora", dropping, Activations.KEEP, 3));
    }

    @Test
    void coresApartGiveTheLossesOfCoresTogether() {
        var passes = List.of(even(1), even(2));
        assertThat(passes).allSatisfy(pass -> assertThat(Shards.of(pass, 2)).hasSize(2));
        int before = Torch.threads();
        try {
            for (var method :
                    List.of(
                            Methods.make("oft", Map.of("block", 8)),
                            Methods.make("lora", Map.of()),
                            Methods.make("shira", Map.of("rank", 2)),
                            Methods.make("compacter", Map.of("size", 8)),
                            Methods.make("prompt-tuning", Map.of("tokens", 3)),
                            Methods.make("prefix-tuning", Map.of("tokens", 3)))) {
                Torch.threads(1);
                double[] together = losses(method, passes);
                Torch.threads(2);
                assertThat(losses(method, passes)).containsExactly(together, within(1e-4));
            }
        } finally {
            Torch.threads(before);
        }
    }

    private static List<Encoded> even(long seed) {
        var random = new Random(seed);
        return Stream.generate(
                        () -> {
                            boolean[] learned = new boolean[16];
                            Arrays.fill(learned, true);
                            return new Encoded(random.ints(16, 0, 97).toArray(), learned, "random");
                        })
                .limit(4)
                .toList();
    }

    private static double[] losses(Method method, List<List<Encoded>> passes) {
        try (var model = PicoModels.plain(DType.F32);
                var adapter = Adapter.attach(method, Targets.allLinear(), model, 5);
                var trainer = new Trainer(adapter, 0.01, 1, 5)) {
            double[] losses = new double[8];
            for (int i = 0; i < losses.length; i++) losses[i] = trainer.step(passes, 1e-3).loss();
            assertThat(losses[7]).isLessThan(losses[0]);
            return losses;
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "oft:block=8",
                "lora-pro:rank=2",
                "paca:rank=2",
                "shira:rank=2,mask=gradient",
                "prefix-tuning:tokens=2"
            })
    void leavesNoTensorBehind(String word) {
        leavesNoTensorBehind(word, Activations.KEEP);
    }

    @ParameterizedTest
    @EnumSource(Activations.class)
    void leavesNoTensorBehindWhateverIsKept(Activations activations) {
        leavesNoTensorBehind("oft:block=8", activations);
    }

    private static void leavesNoTensorBehind(String word, Activations activations) {
        var spec = MethodSpec.of(word);
        long before = Scope.liveTensors();
        try (var model = PicoModels.wideHeads(DType.F32, activations);
                var adapter =
                        Adapter.attach(
                                Methods.make(spec.name(), spec.settings()),
                                Targets.allLinear(),
                                model,
                                5);
                var trainer = new Trainer(adapter, 0.01, 1, 5)) {
            trainer.calibrate(random(0, 2));
            for (int i = 0; i < 5; i++) trainer.step(random(i, 2), 1e-2);
            long afterFive = Scope.liveTensors();
            for (int i = 5; i < 50; i++) trainer.step(random(i, 2), 1e-2);
            assertThat(Scope.liveTensors()).isEqualTo(afterFive);
        }
        // The index tables of a block size stay for the process.
        assertThat(Scope.liveTensors()).isLessThanOrEqualTo(before + 2);
    }

    @Test
    void calibrationSeesTheGradientsOfFrozenWeights() {
        var passes = random(3, 2);
        try (var scope = Scope.open();
                var model = PicoModels.biased(DType.F32)) {
            var slots = model.slots().subList(1, model.slots().size());
            var seen = new LinkedHashMap<String, float[]>();
            new Calibration(model, passes)
                    .gradients(slots, (slot, g) -> seen.put(slot.name(), g.toFloats()));
            assertThat(seen).hasSameSizeAs(slots);
            for (Slot slot : slots) {
                var weight = Var.leaf(slot.weight().dense().copy(), scope);
                var replaced = Map.of(slot.name() + ".weight", weight);
                double learned =
                        passes.stream()
                                .flatMap(List::stream)
                                .mapToLong(Trainer::learnedTokens)
                                .sum();
                for (var pass : passes) {
                    try (var tape = Tape.recordingWithoutDropout()) {
                        var tokens = Trainer.tokens(pass, new Effects(Map.of(), replaced));
                        var loss = model.loss(tape, tokens, Trainer.labels(pass), 1 / learned);
                        tape.backward(loss);
                    }
                }
                assertThat(seen.get(slot.name()))
                        .containsExactly(weight.gradientOrThrow().toFloats(), within(1e-5f));
            }
        }
    }

    @Test
    void calibrationSeesTheMomentsOfInputs() {
        var passes = random(3, 2);
        try (var _ = Scope.open();
                var off = Tape.off();
                var model = PicoModels.biased(DType.F32)) {
            var slots = model.slots().stream().filter(s -> s.kind() == Slot.Kind.LINEAR).toList();
            var seen = new LinkedHashMap<String, float[]>();
            new Calibration(model, passes)
                    .inputs(slots, (slot, m) -> seen.put(slot.name(), m.toFloats()));
            assertThat(seen).hasSameSizeAs(slots);
            var expected = new LinkedHashMap<String, Tensor>();
            var watching = new LinkedHashMap<String, Effect>();
            for (Slot slot : slots) {
                Tensor sum = Tensor.zeros(DType.F32, slot.in(), slot.in());
                expected.put(slot.name(), sum);
                watching.put(
                        slot.name(),
                        new Effect.Gated(
                                (tape, x, y) -> {
                                    sum.plusInPlace(x.value().transpose(0, 1).matmul(x.value()));
                                    return y;
                                },
                                "it only watches"));
            }
            for (var pass : passes)
                model.hidden(off, Trainer.tokens(pass, new Effects(watching, Map.of())), List.of());
            expected.forEach(
                    (name, sum) ->
                            assertThat(seen.get(name))
                                    .as(name)
                                    .containsExactly(sum.toFloats(), within(1e-3f)));
        }
    }

    @Test
    void methodsBeginWhereCalibrationPutsThem() {
        for (String word :
                List.of("lora-sb:rank=2", "shira:rank=1,mask=snip", "qwha:rank=1,scale=60")) {
            var spec = MethodSpec.of(word);
            try (var model =
                            word.startsWith("qwha")
                                    ? PicoModels.encoded(DType.F32, "nf4")
                                    : PicoModels.plain(DType.F32);
                    var adapter =
                            Adapter.attach(
                                    Methods.make(spec.name(), spec.settings()),
                                    Targets.allLinear(),
                                    model,
                                    5);
                    var trainer = new Trainer(adapter, 0, 1, 5)) {
                assertThat(adapter.calibrationExamples()).isEqualTo(64);
                var before = new LinkedHashMap<String, float[]>();
                adapter.frozen().forEach((name, v) -> before.put(name, v.value().toFloats()));
                // QWHA's transform is the same for all slots, and for all examples.
                before.keySet().removeIf(name -> name.startsWith("qwha_hadamard_"));
                trainer.calibrate(random(0, 2));
                before.forEach(
                        (name, was) ->
                                assertThat(
                                                Objects.requireNonNull(adapter.frozen().get(name))
                                                        .value()
                                                        .toFloats())
                                        .as(name)
                                        .isNotEqualTo(was));
            }
        }
    }

    @Test
    void stopsWhenNothingCanBeLearned() {
        try (var model = PicoModels.plain(DType.F32);
                var adapter =
                        Adapter.attach(
                                Methods.make("oft", Map.of("block", 8)),
                                Targets.allLinear(),
                                model,
                                5);
                var trainer = new Trainer(adapter, 0, 0, 5)) {
            var masked = new Encoded(new int[] {1, 2, 3}, new boolean[3], "masked");
            assertThatThrownBy(() -> trainer.step(List.of(List.of(masked)), 1e-2))
                    .isInstanceOf(TrainFailed.class)
                    .hasMessageContaining("no token to learn");
            adapter.values().fillInPlace(Double.NaN);
            assertThatThrownBy(() -> trainer.step(random(1, 1), 1e-2))
                    .isInstanceOf(TrainFailed.class)
                    .hasMessageContaining("NaN");
        }
    }
}
