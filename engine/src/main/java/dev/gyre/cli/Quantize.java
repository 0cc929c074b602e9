package dev.gyre.cli;

import dev.gyre.Gyre;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.List;

/** {@code gyre quantize}. */
@Command(
        name = "quantize",
        description = {
            "Write a model in an encoding of fewer bits.",
            "nf4 and int8 give a Hugging Face folder in bitsandbytes' layout, the others a GGUF"
                    + " file."
        },
        sortOptions = false)
final class Quantize implements Commands.Runs {
    private final Shell shell;

    @Option(
            names = "--base",
            paramLabel = "MODEL",
            required = true,
            description = "Model: a folder, a .gguf file, org/name, or pip:PACKAGE.")
    private String base = "";

    @Option(
            names = "--to",
            paramLabel = "NAME",
            required = true,
            description = "Encoding: " + Gyre.WRITTEN + ".")
    private String to = "";

    @Option(
            names = "--out",
            paramLabel = "PATH",
            required = true,
            description = "Folder or .gguf file to write.")
    private Path out = Path.of("");

    @Mixin private Common common = new Common();
    @Mixin private Overwriting overwriting = new Overwriting();

    @Option(
            names = "--allow-unknown-keys",
            description = "Ignore tensors of the base that are not known here.")
    private boolean allowUnknownKeys;

    @Option(names = "--json", description = "The result as one JSON object.")
    private boolean json;

    Quantize(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        var source = new Gyre.Source(base, List.of(), "auto", "stored");
        // Losing something is what was asked for here.
        var how = new Gyre.Encoding(to, out, overwriting.allowed(), Double.POSITIVE_INFINITY);
        new EncodingReport(shell, json)
                .run(
                        common.start(shell).reading(new Gyre.AdapterFiles(allowUnknownKeys, false)),
                        source,
                        how);
        return Exit.DONE;
    }
}
