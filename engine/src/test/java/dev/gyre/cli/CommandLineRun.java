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
        return run(new ScriptedGyre(), Gyre::start, "", Map.of(), args);
    }

    /** Before a person on a terminal of some width. */
    static CommandLineRun onTerminal(int columns, String... args) {
        var engine = new ScriptedGyre();
        var environment = Map.of("TERM", "xterm", "COLUMNS", String.valueOf(columns));
        return run(engine, (machine, notices) -> engine, "", environment, args);
    }

    static CommandLineRun run(ScriptedGyre engine, String input, String... args) {
        return run(engine, (machine, notices) -> engine, input, Map.of(), args);
    }

    private static CommandLineRun run(
            ScriptedGyre engine,
            Shell.Starter starter,
            String input,
            Map<String, String> environment,
            String... args) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var shell =
                new Shell(
                        new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                        new PrintStream(out, false, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        !environment.isEmpty(),
                        !environment.isEmpty(),
                        environment,
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
