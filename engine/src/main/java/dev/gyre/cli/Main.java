package dev.gyre.cli;

import dev.gyre.Gyre;

import org.jspecify.annotations.Nullable;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
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
        var results = new Descriptor(FileDescriptor.out);
        var shell =
                new Shell(
                        System.in,
                        stream(results, false),
                        stream(new Descriptor(FileDescriptor.err), true),
                        terminals.contains("out"),
                        terminals.contains("err"),
                        System.getenv(),
                        Gyre::start);
        int code = Commands.run(shell, args);
        boolean cut = shell.out().checkError();
        if (cut && (code == Exit.DONE || code == Exit.READER_LEFT)) code = results.ended(shell);
        System.exit(code);
    }

    private static PrintStream stream(Descriptor descriptor, boolean flushLines) {
        var buffer = new BufferedOutputStream(descriptor);
        return new PrintStream(buffer, flushLines, StandardCharsets.UTF_8);
    }

    /** Remembers why it could not be written to, which a {@link PrintStream} does not say. */
    private static final class Descriptor extends FileOutputStream {
        private @Nullable IOException failure;

        Descriptor(FileDescriptor descriptor) {
            super(descriptor);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            try {
                super.write(bytes, from, count);
            } catch (IOException e) {
                if (failure == null) failure = e;
                throw e;
            }
        }

        /** A reader that left is no error; a full disk is. */
        int ended(Shell shell) {
            String reason = failure == null ? "" : String.valueOf(failure.getMessage());
            if (reason.isEmpty() || reason.equals("Broken pipe")) return Exit.READER_LEFT;
            shell.err().println("gyre: cannot write the output: " + reason);
            return Exit.MEND;
        }
    }
}
