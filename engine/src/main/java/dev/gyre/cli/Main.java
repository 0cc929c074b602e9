package dev.gyre.cli;

import dev.gyre.Gyre;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/** The program {@code gyre}. */
public final class Main {
    private Main() {}

    /** Runs a command line and ends the process with its exit code. */
    public static void main(String[] args) {
        // The launcher knows which streams are terminals; Java can tell of all three together only.
        Set<String> terminals = Set.of(System.getProperty("gyre.terminals", "").split(","));
        var shell =
                new Shell(
                        System.in,
                        stream(FileDescriptor.out, false),
                        stream(FileDescriptor.err, true),
                        terminals.contains("out"),
                        terminals.contains("err"),
                        System.getenv(),
                        Gyre::start);
        int code = Commands.run(shell, args);
        boolean readerLeft = shell.out().checkError();
        System.exit(readerLeft && code == Exit.DONE ? Exit.READER_LEFT : code);
    }

    private static PrintStream stream(FileDescriptor descriptor, boolean flushLines) {
        var buffer = new BufferedOutputStream(new FileOutputStream(descriptor));
        return new PrintStream(buffer, flushLines, StandardCharsets.UTF_8);
    }
}
