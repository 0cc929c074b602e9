package dev.gyre.cli;

import dev.gyre.config.Tree;
import dev.gyre.config.Yaml;
import dev.gyre.format.AtomicFile;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** {@code gyre train}. */
@Command(
        name = "train",
        description = {
            "Train an adapter on your rows.",
            "Every key of a recipe file is a flag here; a flag wins over the file."
        },
        sortOptions = false)
final class Train implements Commands.Runs {
    private final Shell shell;

    @Spec private CommandSpec spec = CommandSpec.create();
    @Mixin private Common common = new Common();
    @Mixin private AdapterReading reading = new AdapterReading();
    @Mixin private Overwriting overwriting = new Overwriting();

    @Option(names = "--recipe", paramLabel = "FILE", description = "Recipe in YAML.")
    private Optional<Path> recipe = Optional.empty();

    @Option(names = "--json", description = "Events as JSON on stdout, one object a line.")
    private boolean json;

    @Option(
            names = "--chart",
            paramLabel = "FILE",
            description = "Where to draw the loss [OUT/loss.png].")
    private Optional<Path> chart = Optional.empty();

    Train(Shell shell) {
        this.shell = shell;
    }

    @Override
    public void extend(CommandSpec spec) {
        KeyFlags.add(spec, Recipe.class);
    }

    @Override
    public Integer call() {
        Tree file = recipe.map(Yaml::read).orElseGet(() -> Tree.of(Map.of(), "command line", ""));
        Recipe plan = Recipe.given(KeyFlags.over(file, spec, Recipe.class));
        chart.ifPresent(AtomicFile::check);
        var curve = new LossCurve();
        TrainEvent.Done done;
        try (var watching = new Watching(shell)) {
            Consumer<TrainEvent> all = curve.andThen(watching);
            if (json) all = all.andThen(new JsonEvents(shell));
            done =
                    common.start(shell)
                            .reading(reading.files())
                            .train(plan, overwriting.allowed(), all);
        }
        Path picture = chart.orElse(done.adapter().resolve("loss.png"));
        shell.err().println("adapter: " + done.adapter());
        LossPicture.write(curve, picture);
        shell.err().println("loss:    " + picture);
        return Exit.DONE;
    }
}
