package dev.gyre.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Function;

/** The registry of commands. Adding one is its file, its line here, and its golden help. */
public final class Commands {
    private static final List<Function<Shell, Runs>> ALL =
            List.of(
                    Quickstart::new,
                    Train::new,
                    Chat::new,
                    Generate::new,
                    Eval::new,
                    Merge::new,
                    Convert::new,
                    Compare::new,
                    Quantize::new,
                    ListMethods::new,
                    Inspect::new,
                    Bench::new,
                    Doctor::new);

    private Commands() {}

    /** A command: does its work and says how it ended. */
    interface Runs extends Callable<Integer> {
        /** Flags that come from a settings record rather than from annotations. */
        default void extend(CommandSpec spec) {}

        /** Commands below this one. */
        default List<Runs> below() {
            return List.of();
        }
    }

    @Command(
            name = "gyre",
            description = "Fine-tune, merge and serve language models, with adapters that rotate.",
            synopsisSubcommandLabel = "COMMAND",
            footer = {"", "New here? Run: gyre quickstart"})
    private static final class Root extends Group {
        Root(List<Runs> below) {
            super(below);
        }
    }

    /** Runs a command line; the exit code. */
    public static int run(Shell shell, String... args) {
        CommandLine line = line(shell);
        try {
            return line.execute(args.length == 0 ? new String[] {"--help"} : args);
        } catch (OutOfMemoryError e) {
            return Exit.tooLittleMemory(e, shell);
        }
    }

    /** All commands, ready to parse. */
    static CommandLine line(Shell shell) {
        CommandLine line = tree(new Root(ALL.stream().map(c -> c.apply(shell)).toList()));
        line.getCommandSpec()
                .versionProvider(new Version())
                .addOption(
                        CommandLine.Model.OptionSpec.builder("--version")
                                .versionHelp(true)
                                .description("Show the version, and the commit where it is known.")
                                .build());
        return line.setOut(new PrintWriter(shell.out(), true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(shell.err(), true, StandardCharsets.UTF_8))
                .setColorScheme(
                        CommandLine.Help.defaultColorScheme(
                                shell.fancy(shell.outIsTerminal()) ? Ansi.ON : Ansi.OFF))
                .setUsageHelpWidth(Math.max(80, shell.columns()))
                .setExpandAtFiles(false)
                .setAbbreviatedOptionsAllowed(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((e, arguments) -> Exit.misused(e, shell))
                .setExecutionExceptionHandler((e, command, result) -> Exit.failed(e, shell));
    }

    private static CommandLine tree(Runs command) {
        var line = new CommandLine(command);
        CommandSpec spec = line.getCommandSpec();
        spec.usageMessage().abbreviateSynopsis(true).sortOptions(false);
        spec.addOption(
                CommandLine.Model.OptionSpec.builder("-h", "--help")
                        .usageHelp(true)
                        .description("Show this text.")
                        .build());
        command.extend(spec);
        for (Runs below : command.below()) line.addSubcommand(tree(below));
        return line;
    }
}
