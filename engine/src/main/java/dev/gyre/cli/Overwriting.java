package dev.gyre.cli;

import picocli.CommandLine.Option;

/** The flag of every command that writes a folder. */
final class Overwriting {
    @Option(names = "--overwrite", description = "Let --out hold something already.")
    private boolean allowed;

    /** Whether the folder may hold something already. */
    boolean allowed() {
        return allowed;
    }
}
