package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.AdapterFile;
import dev.gyre.adapter.Targets;
import dev.gyre.adapter.method.Methods;
import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.Gguf;
import dev.gyre.model.Loading;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.train.MethodSpec;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The same adapters in llama.cpp's file; that llama.cpp agrees is {@link LlamaCppLiveTest}'s. */
class GgufAdapterTest {
    private static final Path PICO = Path.of("src/test/resources/golden/pico-llama");
    private static final Path OWN_HEAD = PICO.resolve("own-head");

    @TempDir Path folder;

    private final Gyre gyre = Gyre.start(Gyre.Machine.auto(), new Silent());

    /** An adapter away from where it starts, in a folder. */
    private Path adapter(Path model, String method, Targets targets) {
        return adapter(model, MethodSpec.of(method), targets);
    }

    private Path adapter(Path model, MethodSpec spec, Targets targets) {
        Path out = folder.resolve(spec.name() + "-" + model.getFileName());
        try (Base base = Base.open(model, "auto", Loading.PLAIN);
                var adapter =
                        Adapter.attach(
                                Methods.make(spec.name(), spec.settings()),
                                targets,
                                base.model(),
                                3);
                var _ = Scope.open();
                var random = Random.seeded(17)) {
            adapter.values().plusInPlace(random.normal(adapter.trainable()), 0.1);
            adapter.updated();
            AdapterFile.write(adapter, out, "pico");
        }
        return out;
    }

    private static Targets targets(String module) {
        return new Targets(
                new Targets.Choice.Names(List.of(module)),
                Targets.NOTHING,
                List.of(),
                List.of(),
                List.of(),
                Targets.Bias.NONE);
    }

    private Gyre.Converted convert(Path model, String to, Path... adapters) {
        return gyre.convert(
                Gyre.Source.of(model.toString(), adapters), to, folder.resolve("lora.gguf"), false);
    }

    @ParameterizedTest
    @CsvSource({
        "'lora:rank=3,alpha=6', 3",
        "'lora:rank=4,rslora=true', 4",
        "'pissa:rank=3', 6",
        "'olora:rank=3', 6",
        "'dylora:rank=4,least=2', 4",
        "'lora-xs:rank=3', 3",
        "'vera:rank=8', 8",
        "'loha:rank=2', 4",
        "'hydra:parallel=2,sequential=0', 2",
        "'paca:rank=3', 3",
        "'s2ft:channels=4', 4",
    })
    void aLowRankUpdateIsTheSameInTheFile(String method, long rank) {
        var made = convert(OWN_HEAD, "f32", adapter(OWN_HEAD, method, Targets.allLinear()));
        assertThat(made.rank()).isEqualTo(rank);
        assertThat(made.drift()).isLessThan(2e-5);
        assertThat(made.out()).exists();
    }

    @Test
    void weightsOfOtherRanksAndScalesShareOneAlpha() {
        var spec =
                new MethodSpec(
                        "lora",
                        Map.of(
                                "rank",
                                4L,
                                "alpha",
                                6L,
                                "rank_pattern",
                                Map.of("q_proj", 2L),
                                "alpha_pattern",
                                Map.of("v_proj", 5L)));
        var made = convert(OWN_HEAD, "f32", adapter(OWN_HEAD, spec, Targets.allLinear()));
        assertThat(made.drift()).isLessThan(2e-5);
        try (var arena = Arena.ofConfined()) {
            Gguf file = Gguf.open(made.out(), arena);
            assertThat(file.tensor("blk.0.attn_q.weight.lora_a").shape()[0]).isEqualTo(2);
            assertThat(file.tensor("blk.0.attn_k.weight.lora_a").shape()[0]).isEqualTo(4);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'oft:block=8', merge it instead",
        "'ia3', merge it instead",
        "'dora:rank=3', multiplies the weight; merge it instead",
        "'hydra:parallel=2,sequential=3', merge it instead",
        "'fourierft:frequencies=40', not of low rank; merge it instead",
        "'lokr:rank=1', not of low rank; merge it instead",
        "'ln_tuning', trained whole; merge it instead",
        "'flylora:rank=4,active=2', self_attn",
        "'prompt-tuning:tokens=3', cannot be written so",
    })
    void whatDoesMoreIsRefused(String method, String message) {
        Path adapter = adapter(OWN_HEAD, method, Targets.allLinear());
        assertThatThrownBy(() -> convert(OWN_HEAD, "f32", adapter))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("llama.cpp")
                .hasMessageContaining(message);
        assertThat(folder.resolve("lora.gguf")).doesNotExist();
    }

    /** llama.cpp would add it to another weight than the one it was made for. */
    @Test
    void anAdapterOfAnEncodedBaseIsRefused() {
        Path adapter = adapter(OWN_HEAD, "lora:rank=3", Targets.allLinear());
        var source = new Gyre.Source(OWN_HEAD.toString(), List.of(adapter), "auto", "nf4");
        assertThatThrownBy(() -> gyre.convert(source, "f32", folder.resolve("lora.gguf"), false))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("kept as nf4; leave --base-encoding out");
        assertThat(folder.resolve("lora.gguf")).doesNotExist();
    }

    @Test
    void theFileIsAsLlamaCppWantsIt() {
        Path adapter = adapter(OWN_HEAD, "lora:rank=3,alpha=6", Targets.allLinear());
        var made = convert(OWN_HEAD, "f16", adapter);
        assertThat(made.drift()).isBetween(1e-9, 1e-2);
        try (var arena = Arena.ofConfined()) {
            Gguf file = Gguf.open(made.out(), arena);
            assertThat(file.metadata().text("general.type")).isEqualTo("adapter");
            assertThat(file.metadata().text("general.architecture")).isEqualTo("llama");
            assertThat(file.metadata().text("adapter.type")).isEqualTo("lora");
            assertThat(file.metadata().real("adapter.lora.alpha")).isEqualTo(6);
            assertThat(file.names()).hasSize(2 * made.weights());
            var a = file.tensor("blk.0.attn_q.weight.lora_a");
            assertThat(a.type()).isEqualTo(ElementType.F16);
            assertThat(a.shape()[0]).isEqualTo(3);
            assertThat(file.tensor("blk.1.ffn_down.weight.lora_b").shape()[1]).isEqualTo(3);
        }
    }

    @Test
    void severalAddUp() {
        Path one = adapter(OWN_HEAD, "lora:rank=3", Targets.allLinear());
        Path two = adapter(OWN_HEAD, "vera:rank=5", Targets.allLinear());
        var made = convert(OWN_HEAD, "f32", one, two);
        assertThat(made.rank()).isEqualTo(8);
        assertThat(made.drift()).isLessThan(2e-5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"embed_tokens", "lm_head"})
    void embeddingAndHeadAreWrittenWhereEachHasItsOwnWeight(String module) {
        var targets = targets(module);
        Path tied = PICO.resolve("tied-biased");
        Path other = adapter(tied, "lora:rank=3", targets);
        assertThatThrownBy(() -> convert(tied, "f32", other))
                .hasMessageContaining("one weight in the file; merge it instead");
        Path own = adapter(OWN_HEAD, "lora:rank=2", targets);
        assertThat(convert(OWN_HEAD, "f32", own).drift()).isLessThan(2e-5);
    }

    @Test
    void numbersBeyondF16AreRefusedAndTheOldFileStays() throws IOException {
        Path adapter = adapter(OWN_HEAD, "lora:rank=2,alpha=1e9", Targets.allLinear());
        Path loud = adapter(OWN_HEAD, "vera:rank=2,start=1e9", Targets.allLinear());
        assertThat(convert(OWN_HEAD, "f32", adapter).drift()).isNotNaN();
        Path old = Files.writeString(folder.resolve("old.gguf"), "mine");
        var source = Gyre.Source.of(OWN_HEAD.toString(), loud);
        assertThatThrownBy(() -> gyre.convert(source, "f16", old, true))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("too large for F16; leave --to out for f32");
        assertThat(old).hasContent("mine");
        assertThat(folder.toFile().list()).noneMatch(name -> name.endsWith(".tmp"));
    }

    @ParameterizedTest
    @CsvSource({
        "q8_0, lora.gguf, must be f32 or f16",
        "f32, lora, ends in .gguf",
        "f32, taken.gguf, --overwrite",
        "f32, ., ends in .gguf",
    })
    void badTargetsAreRefusedBeforeAnythingIsRead(String to, String out, String message)
            throws IOException {
        Files.writeString(folder.resolve("taken.gguf"), "mine");
        var source = Gyre.Source.of("nowhere", folder.resolve("none"));
        assertThatThrownBy(() -> gyre.convert(source, to, folder.resolve(out), false))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(message);
    }
}
