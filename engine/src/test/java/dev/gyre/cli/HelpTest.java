package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import picocli.CommandLine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Help is golden text. After a change of it: {@code mvn test -Dtest=HelpTest -Dgyre.golden=write},
 * and read the difference.
 */
class HelpTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/help");

    static List<String> commands() {
        var all = new ArrayList<String>();
        collect(Commands.line(shell()), "", all);
        return all;
    }

    private static Shell shell() {
        return new Shell(
                System.in,
                System.out,
                System.err,
                false,
                false,
                java.util.Map.of(),
                (machine, notices) -> {
                    throw new AssertionError("help must not start the engine");
                });
    }

    private static void collect(CommandLine line, String path, List<String> all) {
        all.add(path);
        line.getSubcommands()
                .forEach((name, below) -> collect(below, (path + " " + name).strip(), all));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void helpIsAsWritten(String command) throws IOException {
        String[] args = (command + " --help").strip().split(" ");
        var run = CommandLineRun.of(args);
        assertThat(run.code()).isZero();
        assertThat(run.err()).isEmpty();
        Path file =
                GOLDEN.resolve((command.isEmpty() ? "gyre" : command.replace(' ', '-')) + ".txt");
        if ("write".equals(System.getProperty("gyre.golden"))) {
            Files.createDirectories(GOLDEN);
            Files.writeString(file, run.out());
        }
        assertThat(run.out()).isEqualTo(Files.readString(file));
    }

    @Test
    void noGoldenIsLeftOver() throws IOException {
        try (var files = Files.list(GOLDEN)) {
            assertThat(files.count()).isEqualTo(commands().size());
        }
    }

    @Test
    void nothingAtAllIsHelpToo() {
        assertThat(CommandLineRun.of().out()).isEqualTo(CommandLineRun.of("--help").out());
    }

    @Test
    void coloursAreForTerminalsOnly() {
        assertThat(CommandLineRun.of("--help").out()).doesNotContain("\033");
    }
}
