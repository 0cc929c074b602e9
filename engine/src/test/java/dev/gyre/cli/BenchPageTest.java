package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;
import dev.gyre.format.AtomicFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The page of measurements is what its rows say. */
class BenchPageTest {
    private static final Path DOCS = Path.of("../docs");

    @TempDir Path folder;

    @Test
    void isCurrent() throws IOException {
        Path page = folder.resolve("performance.md");
        AtomicFile.write(BenchPage.parts(DOCS.resolve("performance.jsonl"), page));
        try (Stream<Path> written = Files.list(folder)) {
            assertThat(written.toList())
                    .hasSize(3)
                    .allSatisfy(
                            file ->
                                    assertThat(Files.readString(file))
                                            .as(
                                                    "print it anew: gyre bench page"
                                                            + " docs/performance.jsonl --out"
                                                            + " docs/performance.md")
                                            .isEqualTo(
                                                    Files.readString(
                                                            DOCS.resolve(file.getFileName()))));
        }
    }

    @Test
    void rowsThatAreNoneAreErrors() throws IOException {
        Path rows = folder.resolve("rows.jsonl");
        Path page = folder.resolve("page.md");
        assertThatThrownBy(() -> BenchPage.parts(rows, page))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot read");
        Files.writeString(rows, "\n");
        assertThatThrownBy(() -> BenchPage.parts(rows, page)).hasMessageContaining("no row");
        Files.writeString(rows, "{\"engine\":\"peft\"}\n");
        assertThatThrownBy(() -> BenchPage.parts(rows, page))
                .hasMessageContaining("rows.jsonl:1")
                .hasMessageContaining("gyre");
        Files.writeString(rows, "{\"engine\":\"gyre\"}\n");
        assertThatThrownBy(() -> BenchPage.parts(rows, page))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is missing");
    }
}
