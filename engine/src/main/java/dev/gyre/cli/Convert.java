package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.Json;
import dev.gyre.config.UserError;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code gyre convert}. */
@Command(
        name = "convert",
        description = {
            "Write low-rank adapters as one GGUF adapter, which llama.cpp loads with --lora.",
            "What does more than add B*A to weights is refused: merge it."
        },
        sortOptions = false)
final class Convert implements Commands.Runs {
    private final Shell shell;

    @Mixin private Opening opening = new Opening();
    @Mixin private Common common = new Common();
    @Mixin private Overwriting overwriting = new Overwriting();

    @Option(
            names = "--out",
            paramLabel = "FILE",
            required = true,
            description = "The .gguf file to write.")
    private Path out = Path.of("");

    @Option(
            names = "--to",
            paramLabel = "f32|f16",
            description = "Type of the adapter's numbers [f32].")
    private String to = "f32";

    @Option(names = "--json", description = "The result as one JSON object.")
    private boolean json;

    Convert(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        if (opening.adapters().isEmpty())
            throw new UserError("nothing to convert; give --adapter DIR, once or more");
        Gyre.Converted made =
                opening.start(common, shell)
                        .convert(opening.source("auto"), to, out, overwriting.allowed());
        if (json) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("out", made.out().toString());
            row.put("weights", made.weights());
            row.put("rank", made.rank());
            row.put("drift", made.drift());
            row.put("probe_tokens", made.tokens());
            shell.line(Json.write(row));
        } else {
            shell.line(
                    Words.format(
                            "%s: %d weights, rank %d; log-probabilities moved by at most %.2g over"
                                    + " %d tokens",
                            made.out(), made.weights(), made.rank(), made.drift(), made.tokens()));
        }
        return Exit.DONE;
    }
}
