package dev.gyre.adapter.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.AdapterFile;
import dev.gyre.adapter.Golden;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Targets;
import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.linear.Hadamard;
import dev.gyre.model.Activations;
import dev.gyre.model.Model;
import dev.gyre.model.PicoModels;
import dev.gyre.model.Slot;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.quant.Dense;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Methods that start at what an encoding of the base lost. */
class EncodedBaseTest {
    private Scope scope;

    @BeforeEach
    void open() {
        scope = Scope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    private static Adapter attach(String name, Map<String, ?> settings, Model model) {
        return Adapter.attach(Methods.make(name, settings), Targets.allLinear(), model, 3);
    }

    private static Tensor frozen(Adapter adapter, String name) {
        return java.util.Objects.requireNonNull(adapter.frozen().get(name)).value();
    }

    private static double distance(Tensor a, Tensor b) {
        return a.minus(b).norm().item() / b.norm().item();
    }

    @Test
    void loftqStartsWherePeftStartsIt() {
        Tensor w = Golden.tensor("bitsandbytes/decoded.safetensors", "nf4.before");
        var q = BaseEncoding.named("nf4").linear().apply(new Dense(w), scope);
        Tensor decoded = Golden.tensor("bitsandbytes/decoded.safetensors", "nf4.after");
        assertThat(distance(q.dense(), decoded)).isLessThan(1e-6);
        var slot = new Slot("here", Slot.Kind.LINEAR, q, Optional.empty());
        Tensor theirs =
                Golden.tensor("loftq/expected.safetensors", "lora_B")
                        .matmul(Golden.tensor("loftq/expected.safetensors", "lora_A"));
        for (double alpha : new double[] {5, 20}) {
            var loftq =
                    (Loftq)
                            Methods.make(
                                    "loftq", Map.<String, Object>of("rank", 5, "alpha", alpha));
            List<Tensor> ours = loftq.start(slot);
            Tensor update = ours.get(1).matmul(ours.get(0)).timesInPlace(alpha / 5);
            assertThat(distance(update, theirs)).as("alpha %s", alpha).isLessThan(1e-5);
        }
    }

    /** A share of the error's energy that follows from the ranks, here and for PEFT's whole SVD. */
    @Test
    void loftqTakesNearlyAsMuchOfALargeErrorAsAnyProductOfItsRank() {
        try (var random = Random.seeded(4)) {
            Tensor w = random.normal(300, 256).timesInPlace(0.05);
            var q = BaseEncoding.named("nf4").linear().apply(new Dense(w), scope);
            var slot = new Slot("here", Slot.Kind.LINEAR, q, Optional.empty());
            var loftq = (Loftq) Methods.make("loftq", Map.of("rank", 16, "alpha", 16));
            List<Tensor> start = loftq.start(slot);
            Tensor lost = w.minus(q.dense());
            double left = lost.minus(start.get(1).matmul(start.get(0))).norm().item();
            double[] s = lost.singularValues().toDoubles();
            double least = Math.sqrt(Arrays.stream(s).skip(16).map(x -> x * x).sum());
            assertThat(left).isBetween(least * (1 - 1e-5), least * 1.005);
            assertThat(left).isLessThan(0.95 * lost.norm().item());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "seen"})
    void qwhaStartsWhereItsProcedureStepByStepDoes(String which) {
        String file = "qwha/expected.safetensors";
        Tensor w = Golden.tensor(file, "original");
        Tensor x = Golden.tensor(file, "inputs").to(DType.F64);
        var q = new Dense(Golden.tensor(file, "encoded"));
        var slot = new Slot("here", Slot.Kind.LINEAR, q, Optional.empty());
        Tensor inputs = which.equals("plain") ? null : x.transpose(0, 1).matmul(x);
        var got = new AdaAlloc(slot, new Dense(w), inputs).choose(102);
        Tensor indices = Golden.tensor(file, which + ".indices");
        assertThat(got.rows()).isEqualTo(indices.select(0, 0).toInts());
        assertThat(got.columns()).isEqualTo(indices.select(0, 1).toInts());
        double[] values = Golden.tensor(file, which + ".values").toDoubles();
        for (int i = 0; i < values.length; i++)
            assertThat(got.values()[i])
                    .as("value %d", i)
                    .isCloseTo(values[i], within(2e-5 * Math.max(1, Math.abs(values[i]))));
    }

    @Test
    void sharesAreFilledUp() {
        assertThat(AdaAlloc.counts(new double[] {1, 1, 2}, 9, 10)).containsExactly(3, 2, 4);
        assertThat(AdaAlloc.counts(new double[] {100, 1, 1}, 10, 6)).containsExactly(6, 2, 2);
        assertThat(AdaAlloc.counts(new double[] {0, 0, 0}, 8, 4)).containsExactly(3, 3, 2);
        assertThat(AdaAlloc.counts(new double[] {0, 5, 0}, 12, 4)).containsExactly(4, 4, 4);
    }

    @Test
    void qwhaStandsForTheSpectrumThatItFound() {
        try (Model model = PicoModels.encoded(DType.F32, "q8_0");
                Model coarse = PicoModels.encoded(DType.F32, "nf4");
                Adapter fine = attach("qwha", Map.of("rank", 2, "scale", 70), model);
                Adapter adapter = attach("qwha", Map.of("rank", 5, "scale", 70), coarse)) {
            assertThat(fine.trainable()).isPositive();
            Slot slot = adapter.slots().getFirst();
            Tensor lost =
                    slot.weight().original().orElseThrow().dense().minus(slot.weight().dense());
            try (var off = dev.gyre.tensor.Tape.off()) {
                var effect =
                        (dev.gyre.model.Effect.Linear)
                                adapter.effects(off).at(slot.name()).orElseThrow();
                Tensor update = java.util.Objects.requireNonNull(effect.beside()).dense();
                double left = lost.minus(update).norm().item() / lost.norm().item();
                // Of 32 × 32 places 320 are taken, the largest of orthogonal coefficients.
                assertThat(left).isBetween(0.3, Math.sqrt(1 - 320.0 / 1024));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"loftq", "qwha"})
    void aBaseAsItsFileHasItIsRefused(String name) {
        try (Model model = PicoModels.plain(DType.F32)) {
            assertThatThrownBy(() -> attach(name, Map.of("rank", 2), model))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("method " + name)
                    .hasMessageContaining("q_proj, kept as f32, shows nothing of that")
                    .hasMessageContaining("--base-encoding nf4");
        }
    }

    /** Of the plain weight they would start elsewhere, and PEFT's files do not hold the start. */
    @ParameterizedTest
    @ValueSource(strings = {"pissa", "olora"})
    void whatStartsAtTheWeightWantsItAsStored(String name) {
        try (Model nf4 = PicoModels.encoded(DType.F32, "nf4")) {
            assertThatThrownBy(() -> attach(name, Map.of("rank", 2), nf4))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("method " + name)
                    .hasMessageContaining("q_proj is kept as nf4")
                    .hasMessageContaining("leave --base-encoding out");
        }
    }

    @ParameterizedTest
    @CsvSource({"loftq, gyre_base_encoding", "qwha, encoding"})
    void anAdapterIsForTheBaseInItsEncoding(String name, String key, @TempDir Path folder)
            throws IOException {
        try (Model nf4 = PicoModels.encoded(DType.F32, "nf4");
                Model plain = PicoModels.of(DType.F32, false, true, Activations.KEEP);
                Adapter adapter = attach(name, Map.of("rank", 2), nf4)) {
            AdapterFile.write(adapter, folder, "base");
            String config = Files.readString(folder.resolve(AdapterFile.CONFIG));
            assertThat(config.replaceAll("\\s", "")).contains("\"" + key + "\":[\"nf4\"]");
            var warnings = new ArrayList<String>();
            Reading reading = Reading.strict(warnings::add);
            AdapterFile.read(folder, nf4, reading).close();
            assertThat(warnings).isEmpty();
            assertThatThrownBy(() -> AdapterFile.read(folder, plain, reading))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("what the encoding nf4 of the base lost")
                    .hasMessageContaining("this base is kept as f32")
                    .hasMessageContaining("--base-encoding nf4");
            Map<String, Object> other = Map.of("rank", 2, "encoding", "q4_0");
            assertThatThrownBy(() -> attach(name, other, nf4))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("q4_0");
        }
    }

    @Test
    void loftqFilesOfPeftNeedItsBaseAndSaySo(@TempDir Path folder) throws IOException {
        try (Model nf4 = PicoModels.encoded(DType.F32, "nf4");
                Adapter adapter = attach("loftq", Map.of("rank", 2), nf4)) {
            AdapterFile.write(adapter, folder, "base");
            Path config = folder.resolve(AdapterFile.CONFIG);
            String ours = Files.readString(config);
            assertThat(ours).contains("\"init_lora_weights\": true");
            String theirs =
                    ours.replaceAll("\"gyre_[a-z_]*\": (\"[a-z0-9]*\"|\\[[^\\]]*\\]),\\s*", "")
                            .replace(
                                    "\"init_lora_weights\": true",
                                    "\"init_lora_weights\": \"loftq\", \"loftq_config\":"
                                            + " {\"loftq_bits\": 4, \"loftq_iter\": 5}");
            assertThat(theirs).doesNotContain("gyre_");
            Files.writeString(config, theirs);
            var warnings = new ArrayList<String>();
            Reading reading = Reading.strict(warnings::add);
            try (Model saved = asPeftSavesIt(nf4);
                    Adapter read = AdapterFile.read(folder, saved, reading)) {
                assertThat(read.method().name()).isEqualTo("loftq");
                assertThat(read.values().sameAs(adapter.values())).isTrue();
            }
            assertThat(warnings).singleElement().asString().contains("saved with it");
            try (Model before = PicoModels.of(DType.F32, false, true, Activations.KEEP)) {
                assertThatThrownBy(() -> AdapterFile.read(folder, before, reading))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("4 bits (loftq_iter = 5)")
                        .hasMessageContaining("_proj has numbers that are not of it")
                        .hasMessageContaining("save_pretrained")
                        .hasMessageNotContaining("--base-encoding");
            }
            // Of the base before, encoded once: not what five rounds make of it.
            assertThatThrownBy(() -> AdapterFile.read(folder, nf4, reading))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("loftq_iter = 5");
            Files.writeString(config, theirs.replace("\"loftq_iter\": 5", "\"loftq_iter\": 1"));
            AdapterFile.read(folder, nf4, reading).close();
        }
    }

    /** The same numbers, plain. */
    private static Model asPeftSavesIt(Model encoded) {
        Model saved = PicoModels.of(DType.F32, false, true, Activations.KEEP);
        try (var _ = Scope.open()) {
            for (int i = 0; i < saved.slots().size(); i++)
                saved.slots()
                        .get(i)
                        .weight()
                        .dense()
                        .copyFrom(encoded.slots().get(i).weight().dense());
        }
        return saved;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"loftq_bits\": 2",
                "\"loftq_bits\": 4, \"loftq_iter\": 0",
                "\"loftq_bits\": \"four\""
            })
    void aBaseThatPeftCannotHaveMadeIsRefused(String keys) {
        Tree config =
                Json.read(
                        "{\"init_lora_weights\": \"loftq\", \"loftq_config\": {" + keys + "}}",
                        "adapter_config.json");
        assertThatThrownBy(() -> LoftqBase.of(config))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("adapter_config.json")
                .hasMessageContaining("loftq_");
    }

    /** Of 8 bits a row has its own scale: no more than 256 numbers, in rows that have more. */
    @Test
    void eightBitsAreKnownByTheirRows() {
        int columns = 600;
        float[] plain;
        try (var random = Random.seeded(5)) {
            plain = random.normal(20, columns).toFloats();
        }
        float[] rounded = plain.clone();
        for (int i = 0; i < rounded.length; i++) {
            int row = i / columns;
            float unit = 0.04f + row * 0.001f;
            rounded[i] = Math.clamp(Math.round(plain[i] / unit), -127, 127) * unit;
        }
        var base = new LoftqBase(8, 3);
        base.check(List.of(slot(Tensor.of(rounded, 20, columns))));
        assertThatThrownBy(() -> base.check(List.of(slot(Tensor.of(plain, 20, columns)))))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("8 bits (loftq_iter = 3), and here has numbers");
    }

    private static Slot slot(Tensor w) {
        return new Slot("here", Slot.Kind.LINEAR, new Dense(w), Optional.empty());
    }

    @Test
    void moreRoundsOfLoftqAreRefused() {
        assertThatThrownBy(() -> Methods.make("loftq", Map.of("iterations", 5)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("another base")
                .hasMessageContaining("leave it at 1");
        assertThat(Methods.make("loftq", Map.of("iterations", 1)).name()).isEqualTo("loftq");
    }

    @ParameterizedTest
    @CsvSource({
        "qwha, qwha_indices, -1, is outside of it",
        "qwha, qwha_indices, 4000, is outside of it",
        "qwha, qwha_indices, 0, is there twice",
        "shira, shira_indices, 9e8, is outside of it",
        "shira, shira_indices, 0, is there twice"
    })
    void placesThatCannotBeAreRefused(
            String name, String tensor, double place, String why, @TempDir Path folder) {
        Map<String, Object> settings =
                name.equals("qwha")
                        ? Map.of("rank", 1, "start", "zero")
                        : Map.<String, Object>of("rank", 1);
        try (Model model = PicoModels.plain(DType.F32);
                Adapter adapter = attach(name, settings, model)) {
            frozen(adapter, "model.layers.1.self_attn.q_proj." + tensor)
                    .narrow(1, 3, 2)
                    .fillInPlace(place);
            AdapterFile.write(adapter, folder, "base");
            try (Adapter read = AdapterFile.read(folder, model, Reading.strict(w -> {}));
                    var off = dev.gyre.tensor.Tape.off()) {
                assertThatThrownBy(() -> read.effects(off))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("method " + name)
                        .hasMessageContaining("layers.1.self_attn.q_proj")
                        .hasMessageContaining(why);
            }
        }
    }

    @Test
    void widthsWithoutATransformAreNamed() {
        for (long n : new long[] {5632, 18944, 7}) assertThat(Hadamard.exists(n)).isFalse();
        for (long n : new long[] {1, 2, 576, 1536, 3072, 4096, 8960, 11008, 13824, 14336})
            assertThat(Hadamard.exists(n)).isTrue();
        var slot =
                new Slot(
                        "here",
                        Slot.Kind.LINEAR,
                        new Dense(Tensor.zeros(DType.F32, 8, 7)),
                        Optional.empty());
        try (Model model = PicoModels.plain(DType.F32)) {
            var attached = Methods.make("qwha", Map.of("rank", 1)).attach(List.of(slot), model);
            assertThatThrownBy(attached::parameters)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("the width 7 of here");
        }
    }
}
