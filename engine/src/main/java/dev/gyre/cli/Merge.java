package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.BadValue;
import dev.gyre.config.Json;
import dev.gyre.config.UserError;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** {@code gyre merge}. */
@Command(
        name = "merge",
        description =
                "Write a base with adapters merged into its weights, as a Hugging Face folder or,"
                        + " with --to, in another encoding.",
        sortOptions = false)
final class Merge implements Commands.Runs {
    private final Shell shell;

    @Mixin private Opening opening = new Opening();
    @Mixin private Common common = new Common();
    @Mixin private Overwriting overwriting = new Overwriting();

    @Option(names = "--out", paramLabel = "PATH", required = true, description = "Where to write.")
    private Path out = Path.of("");

    @Option(
            names = "--to",
            paramLabel = "NAME",
            description = "Encoding: " + Gyre.WRITTEN + " [as the base's, in a folder].")
    private Optional<String> to = Optional.empty();

    @Option(
            names = "--max-drift",
            paramLabel = "X",
            description =
                    "With --to: keep nothing when a log-probability of the probe text moves by more"
                            + " [3].")
    private Optional<Double> maxDrift = Optional.empty();

    @Option(names = "--json", description = "The result as one JSON object.")
    private boolean json;

    Merge(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        if (opening.adapters().isEmpty())
            throw new UserError("nothing to merge; give --adapter DIR, once or more");
        double most = maxDrift.orElse(3.0);
        if (!(most >= 0)) throw BadValue.of("--max-drift", most, "a number from 0");
        if (to.isEmpty() && maxDrift.isPresent())
            throw BadValue.saying("--max-drift", "is for --to: only an encoding loses anything");
        if (to.isEmpty() && out.toString().endsWith(".gguf"))
            throw BadValue.saying("--out", out + " is a file's name; give --to f16, or a folder");
        if (to.isPresent()) {
            var how = new Gyre.Encoding(to.get(), out, overwriting.allowed(), most);
            new EncodingReport(shell, json)
                    .run(opening.start(common, shell), opening.source("auto"), how);
            return Exit.DONE;
        }
        Gyre.Merged merged =
                opening.start(common, shell)
                        .merge(opening.source("auto"), out, overwriting.allowed());
        if (json) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("out", merged.out().toString());
            row.put("weights", merged.weights());
            row.put("drift", merged.drift());
            row.put("probe_tokens", merged.tokens());
            shell.line(Json.write(row));
        } else {
            shell.line(
                    Words.format(
                            "%s: %d weights merged; log-probabilities moved by at most %.2g over %d"
                                    + " tokens",
                            merged.out(), merged.weights(), merged.drift(), merged.tokens()));
        }
        return Exit.DONE;
    }
}
