package dev.gyre.cli;

import dev.gyre.config.NearMiss;
import dev.gyre.config.UserError;
import dev.gyre.train.TrainFailed;

import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

import java.util.List;
import java.util.stream.Stream;

/** How the program ends: the code, and what it says about an error. */
final class Exit {
    static final int DONE = 0;

    /** The run failed, or there is a bug. */
    static final int FAILED = 1;

    /** Something that the user can mend. */
    static final int MEND = 2;

    /** Whoever read the output closed it; the code of a process that SIGPIPE ended. */
    static final int READER_LEFT = 141;

    private Exit() {}

    /** The output was closed by its reader. */
    static final class ReaderLeft extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Says what went wrong while a command ran. */
    static int failed(Exception e, Shell shell) {
        return switch (e) {
            case ReaderLeft left -> READER_LEFT;
            case UserError error -> say(shell, error.getMessage(), MEND);
            case TrainFailed error -> say(shell, error.getMessage(), FAILED);
            case RuntimeException error when isOfMemory(error) -> tooLittleMemory(error, shell);
            default -> {
                shell.err()
                        .println(
                                "gyre: this is a bug in gyre; please report it with the lines"
                                        + " below.");
                e.printStackTrace(shell.err());
                yield FAILED;
            }
        };
    }

    /** Says that the command did not get the memory that it needs. */
    static int tooLittleMemory(Throwable e, Shell shell) {
        // libtorch adds its stack.
        String said = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        return say(
                shell,
                "not enough memory: "
                        + said
                        + "\nAsk for less (a smaller batch, shorter texts, activations: recompute,"
                        + " a base of fewer bits), or end other programs.",
                MEND);
    }

    /** Whether libtorch's allocators say so. */
    private static boolean isOfMemory(RuntimeException e) {
        String said = String.valueOf(e.getMessage());
        return said.contains("DefaultCPUAllocator: ") || said.contains("CUDA out of memory");
    }

    /** Says what is wrong with a command line. */
    static int misused(ParameterException e, Shell shell) {
        CommandLine command = e.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        String message = e.getMessage();
        if (e instanceof UnmatchedArgumentException unmatched
                && !unmatched.getUnmatched().isEmpty())
            message = unknown(command, unmatched.getUnmatched().getFirst());
        return say(shell, message + "\nSee: " + name + " --help", MEND);
    }

    private static String unknown(CommandLine command, String word) {
        boolean flag = word.startsWith("-");
        boolean takesWords = !command.getCommandSpec().positionalParameters().isEmpty();
        if (!flag && command.getSubcommands().isEmpty() && takesWords)
            return "unexpected \"" + word + "\": this command takes one such word at a time";
        if (!flag && command.getSubcommands().isEmpty())
            return "unexpected \"" + word + "\": this command takes flags only";
        String bare = flag && word.contains("=") ? word.substring(0, word.indexOf('=')) : word;
        List<String> known =
                flag
                        ? command.getCommandSpec().options().stream()
                                .filter(o -> !o.hidden())
                                .flatMap(o -> Stream.of(o.names()))
                                .toList()
                        : List.copyOf(command.getSubcommands().keySet());
        String near = NearMiss.of(bare, known).map(k -> "; did you mean \"" + k + "\"?").orElse("");
        return "unknown " + (flag ? "flag" : "command") + " \"" + bare + "\"" + near;
    }

    private static int say(Shell shell, String message, int code) {
        shell.err().println("gyre: " + message);
        return code;
    }
}
