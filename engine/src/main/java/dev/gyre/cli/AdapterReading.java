package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.BadValue;

import picocli.CommandLine.Option;

/** The flags of every command that reads adapters' files. */
final class AdapterReading {
    @Option(
            names = "--allow-unknown-keys",
            description =
                    "Ignore keys of an adapter's configuration, and tensors of a base, that are not"
                            + " known here.")
    private boolean allowUnknownKeys;

    @Option(
            names = "--oft-series",
            paramLabel = "standard|legacy",
            description =
                    "What OFT files without a peft_version mean; legacy: PEFT 0.16, 0.17"
                            + " [standard].")
    private String series = "standard";

    Gyre.AdapterFiles files() {
        if (!series.equals("standard") && !series.equals("legacy"))
            throw BadValue.of("--oft-series", series, "standard or legacy");
        return new Gyre.AdapterFiles(allowUnknownKeys, series.equals("legacy"));
    }
}
