package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.adapter.method.Methods;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The manual's page of methods is what the registry says. */
class MethodsPageTest {
    private static final Path PAGE = Path.of("../docs/methods.md");

    @Test
    void isCurrent() throws IOException {
        assertThat(Files.readString(PAGE))
                .as("print it anew: gyre methods --markdown > docs/methods.md")
                .isEqualTo(MethodsPage.of(Methods.ALL));
    }
}
