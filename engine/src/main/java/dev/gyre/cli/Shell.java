package dev.gyre.cli;

import dev.gyre.Gyre;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.Map;

/**
 * What a command may touch of the world outside: its streams and the way to the engine.
 *
 * @param out results
 * @param err everything else
 * @param outIsTerminal whether a person reads {@code out} as it comes
 * @param errIsTerminal whether a person reads {@code err} as it comes
 * @param environment the process's variables
 * @param engine starts the engine; nothing native is loaded before
 */
public record Shell(
        InputStream in,
        PrintStream out,
        PrintStream err,
        boolean outIsTerminal,
        boolean errIsTerminal,
        Map<String, String> environment,
        Starter engine) {

    /** Starts the engine. */
    @FunctionalInterface
    public interface Starter {
        Gyre start(Gyre.Machine machine, Gyre.Notices notices);
    }

    /** A line of results, out at once. */
    void line(String text) {
        out.println(text);
        flush();
    }

    /** Sends what was printed on its way; an error when nobody reads it any more. */
    void flush() {
        if (out.checkError()) throw new Exit.ReaderLeft();
    }

    /** Whether colours and moving lines are welcome on a stream that is, or is not, a terminal. */
    boolean fancy(boolean terminal) {
        return terminal
                && !environment.containsKey("NO_COLOR")
                && !"dumb".equals(environment.getOrDefault("TERM", "dumb"));
    }

    /** Width of the terminal in columns; 80 when nobody says. */
    int columns() {
        try {
            return Math.clamp(Integer.parseInt(environment.getOrDefault("COLUMNS", "80")), 40, 200);
        } catch (NumberFormatException e) {
            return 80;
        }
    }
}
