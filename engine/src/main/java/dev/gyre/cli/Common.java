package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.BadValue;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.util.Optional;
import java.util.OptionalInt;

/** The flags of every command that computes. */
final class Common {
    @Mixin private OnDevice device = new OnDevice();

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads of one operation [one per processor].")
    private Optional<Integer> threads = Optional.empty();

    @Option(names = "--offline", description = "Fetch nothing; use what is on this machine.")
    private boolean offline;

    /** Starts the engine on what the flags say; what it has to say goes to {@code err}. */
    Gyre start(Shell shell) {
        int most = Math.max(64, 4 * Runtime.getRuntime().availableProcessors());
        if (threads.isPresent() && (threads.get() < 1 || threads.get() > most))
            throw BadValue.of("--threads", threads.get(), "a whole number from 1 to " + most);
        return shell.engine()
                .start(new Gyre.Machine(device.name(), threads(), offline), new Notes(shell));
    }

    OptionalInt threads() {
        return threads.stream().mapToInt(Integer::intValue).findFirst();
    }
}
