package dev.gyre.cli;

import dev.gyre.Gyre;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** A command line that was run: its exit code and what it printed. */
record CommandLineRun(int code, String out, String err, ScriptedGyre engine) {
    static CommandLineRun of(String... args) {
        return run(new ScriptedGyre(), "", args);
    }

    static CommandLineRun typing(String input, String... args) {
        return run(new ScriptedGyre(), input, args);
    }

    /** With the engine that users have. */
    static CommandLineRun real(String... args) {
        return run(new ScriptedGyre(), Gyre::start, "", args);
    }

    static CommandLineRun run(ScriptedGyre engine, String input, String... args) {
        return run(engine, (machine, notices) -> engine, input, args);
    }

    private static CommandLineRun run(
            ScriptedGyre engine, Shell.Starter starter, String input, String... args) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var shell =
                new Shell(
                        new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                        new PrintStream(out, false, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        false,
                        false,
                        Map.of(),
                        starter);
        int code = Commands.run(shell, args);
        shell.out().flush();
        return new CommandLineRun(
                code,
                out.toString(StandardCharsets.UTF_8),
                err.toString(StandardCharsets.UTF_8),
                engine);
    }

    List<String> lines() {
        return out.lines().toList();
    }
}
