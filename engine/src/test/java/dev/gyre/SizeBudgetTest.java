package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Files stay short enough to be read; who goes beyond signs for it here. */
class SizeBudgetTest {
    private static final Path SOURCES = Path.of("src/main/java");
    private static final int LINES = 300;
    private static final int METHOD_LINES = 200;

    /** Files beyond the budget, and why. */
    private static final Map<String, String> SIGNED =
            Map.of(
                    "dev/gyre/tensor/Tensor.java", "mirrors the operations we use; flat on purpose",
                    "dev/gyre/text/jinja/Expressions.java", "a grammar, one function a rule",
                    "dev/gyre/text/jinja/Filters.java", "a list, one entry a filter",
                    "dev/gyre/text/jinja/Values.java", "Python's arithmetic, comparison and text");

    @Test
    void filesStayReadable() throws IOException {
        var tooLong = new TreeMap<String, Integer>();
        try (var files = Files.walk(SOURCES)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
                String name = SOURCES.relativize(file).toString().replace('\\', '/');
                int lines = Files.readAllLines(file).size();
                int budget = name.contains("/adapter/method/") ? METHOD_LINES : LINES;
                if (lines > budget && !SIGNED.containsKey(name)) tooLong.put(name, lines);
            }
        }
        assertThat(tooLong).as("files beyond the budget: look for two ideas in one file").isEmpty();
    }

    @Test
    void everySignatureIsStillNeeded() {
        assertThat(SIGNED.keySet()).allSatisfy(name -> assertThat(SOURCES.resolve(name)).exists());
    }
}
