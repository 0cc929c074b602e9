package dev.gyre.adapter.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.AdapterFile;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Targets;
import dev.gyre.config.UserError;
import dev.gyre.model.Activations;
import dev.gyre.model.Model;
import dev.gyre.model.PicoModels;
import dev.gyre.tensor.DType;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Configurations that PEFT is particular about. */
class PeftFilesTest {
    @TempDir Path folder;

    private Model model;

    @BeforeEach
    void open() {
        model = PicoModels.of(DType.F32, false, true, Activations.KEEP);
    }

    @AfterEach
    void close() {
        model.close();
    }

    private static Targets targets(String... modules) {
        return new Targets(
                new Targets.Choice.Names(List.of(modules)),
                Targets.NOTHING,
                List.of(),
                List.of(),
                List.of(),
                Targets.Bias.NONE);
    }

    /** The configuration that is written, without blanks. */
    private String written(String method, Map<String, ?> settings, Targets targets)
            throws IOException {
        try (Adapter adapter = Adapter.attach(Methods.make(method, settings), targets, model, 3)) {
            AdapterFile.write(adapter, folder, "base");
        }
        return Files.readString(folder.resolve(AdapterFile.CONFIG)).replaceAll("\\s", "");
    }

    private Adapter read() {
        return AdapterFile.read(folder, model, Reading.strict(w -> assertThat(w).isNull()));
    }

    private void configure(String from, String to) throws IOException {
        Path config = folder.resolve(AdapterFile.CONFIG);
        String text = Files.readString(config);
        assertThat(text).contains(from);
        Files.writeString(config, text.replace(from, to));
    }

    /** PEFT raises an error where a word of the one list is not in the other. */
    @Test
    void ia3NamesScaledInputsInWordsWhereTheyAreTargets() throws IOException {
        assertThat(written("ia3", Map.of(), targets("k_proj", "down_proj")))
                .contains("\"feedforward_modules\":[\"down_proj\"]");
        assertThat(written("ia3", Map.of(), targets("k_proj", "v_proj")))
                .contains("\"feedforward_modules\":\".*(down_proj)\"");
        read().close();
        assertThat(written("ia3", Map.of(), targets("mlp.down_proj")))
                .contains("\"feedforward_modules\":\".*(down_proj)\"");
        try (Adapter adapter = read()) {
            assertThat(((Ia3) adapter.method()).inputs())
                    .isEqualTo(new Targets.Choice.Regex(".*(down_proj)"));
            assertThat(adapter.learned().values().iterator().next().value().size(0))
                    .as("a factor for each input")
                    .isEqualTo(1);
        }
    }

    /** PEFT's scale would be that of another rank. */
    @Test
    void dyloraOfASmallerRankIsNotForPeft() throws IOException {
        assertThat(written("dylora", Map.of("rank", 6, "used", 2), targets("v_proj")))
                .contains("\"r\":2", "\"dylora_r\":6", "\"lora_alpha\":12");
        try (Adapter adapter = read()) {
            var dylora = (DyLora) adapter.method();
            assertThat(dylora.used()).isEqualTo(2);
            assertThat(dylora.lora().rank()).isEqualTo(6);
            assertThat(dylora.lora().alpha()).isEqualTo(12);
        }
        assertThat(written("dylora", Map.of("rank", 6), targets("v_proj")))
                .contains("\"r\":6")
                .doesNotContain("\"dylora_r\":");
    }

    /** How A and B began does not matter to who has both. */
    @ParameterizedTest
    @ValueSource(strings = {"eva", "orthogonal", "mica"})
    void startsOfTheFactorsAloneArePlainLora(String start) throws IOException {
        written("lora", Map.of("rank", 2), targets("v_proj"));
        configure("\"init_lora_weights\": true", "\"init_lora_weights\": \"" + start + "\"");
        try (Adapter adapter = read()) {
            assertThat(adapter.method()).isInstanceOf(Lora.class);
        }
    }

    @Test
    void startsThatChangeTheWeightAreRefused() throws IOException {
        written("lora", Map.of("rank", 2), targets("v_proj"));
        configure("\"init_lora_weights\": true", "\"init_lora_weights\": \"corda\"");
        assertThatThrownBy(this::read)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("corda changes the base weight");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, 2.5, Double.NaN, 1e30})
    void ranksAreWholeNumbers(double rank) {
        var settings = Map.of("rank", 2, "rank_pattern", Map.of("v_proj", rank));
        assertThatThrownBy(() -> Methods.make("lora", settings))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rank_pattern");
    }
}
