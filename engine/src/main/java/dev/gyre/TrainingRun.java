package dev.gyre;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.AdapterFile;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Targets;
import dev.gyre.adapter.method.Methods;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.data.Allowances;
import dev.gyre.data.Batches;
import dev.gyre.data.Encoded;
import dev.gyre.data.Encoder;
import dev.gyre.data.Example;
import dev.gyre.data.Rows;
import dev.gyre.data.Tally;
import dev.gyre.tensor.Device;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.tensor.Torch;
import dev.gyre.train.DataSource;
import dev.gyre.train.HeldOut;
import dev.gyre.train.LearningRate;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;
import dev.gyre.train.TrainFailed;
import dev.gyre.train.Trainer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** One training run: from a recipe to an adapter on disk. */
final class TrainingRun {
    private static final int MOST_CONTEXT = 2048;

    private final Recipe recipe;
    private final Base base;
    private final Consumer<TrainEvent> events;
    private final Reading reading;
    private final Tally tally = new Tally();

    TrainingRun(Recipe recipe, Base base, Reading reading, Consumer<TrainEvent> events) {
        this.recipe = recipe;
        this.base = base;
        this.reading = reading;
        this.events = events;
    }

    /** Refuses a folder that holds something, unless it may be overwritten. */
    static void checkOut(Path out, boolean overwrite) {
        if (!Files.exists(out) || overwrite) return;
        if (!Files.isDirectory(out))
            throw new UserError("--out " + out + " is a file; wanted a folder");
        try (var files = Files.list(out)) {
            if (files.findAny().isPresent())
                throw new UserError(
                        "--out "
                                + out
                                + " is not empty; choose another folder, or allow it: --overwrite");
        } catch (IOException e) {
            throw new UserError("cannot look into --out " + out + ": " + Reasons.of(e), e);
        }
    }

    TrainEvent.Done run() {
        long begun = System.nanoTime();
        var learned = new ArrayList<>(encoded(examples(recipe.data())));
        List<Encoded> heldOut = heldOut(learned);
        tally.clauses().forEach(reading.warn());
        try (Adapter adapter = adapter();
                var trainer =
                        new Trainer(
                                adapter, recipe.weightDecay(), recipe.clipNorm(), recipe.seed())) {
            makeOut();
            return steps(adapter, trainer, learned, heldOut, begun);
        }
    }

    private List<Example> examples(List<DataSource> sources) {
        var allow = recipe.allow();
        var allowed = allowances(allow);
        var all = new ArrayList<Example>();
        for (DataSource source : sources)
            all.addAll(Rows.read(source.path(), source.format(), allowed, tally));
        return all;
    }

    private static Allowances allowances(List<Recipe.Lenience> allow) {
        return new Allowances(
                allow.contains(Recipe.Lenience.CUT_OFF),
                allow.contains(Recipe.Lenience.NO_ANSWER),
                allow.contains(Recipe.Lenience.UNKNOWN_KEY),
                allow.contains(Recipe.Lenience.BAD_LINE));
    }

    private List<Encoded> encoded(List<Example> examples) {
        int context =
                recipe.contextTokens().orElse(Math.min(MOST_CONTEXT, base.model().contextTokens()));
        if (context > base.model().contextTokens())
            throw new UserError(
                    "context_tokens = %d is more than the model's own %d"
                            .formatted(context, base.model().contextTokens()));
        var encoder =
                new Encoder(
                        base.tokenizer(),
                        base.template().map(t -> t::render),
                        endOfText(),
                        context,
                        allowances(recipe.allow()),
                        tally);
        List<Encoded> out = examples.stream().flatMap(e -> encoder.encode(e).stream()).toList();
        if (out.isEmpty()) throw new UserError("no example has anything to learn");
        return out;
    }

    private int endOfText() {
        if (base.dialect().eos() >= 0) return base.dialect().eos();
        throw new UserError(
                "the model names no end-of-text token (eos_token), so nothing could end an answer");
    }

    /** The held-out examples; a share is taken out of the learned ones. */
    private List<Encoded> heldOut(List<Encoded> learned) {
        if (recipe.validation().isEmpty()) return List.of();
        return switch (recipe.validation().get()) {
            case HeldOut.File(var source) -> encoded(examples(List.of(source)));
            case HeldOut.Share(double share) -> {
                int count = (int) Math.max(1, Math.round(share * learned.size()));
                if (count >= learned.size())
                    throw new UserError(
                            "validation = %s leaves no row to learn from; there are %d rows"
                                    .formatted(share, learned.size()));
                // The rows that stay keep their order.
                var order = new ArrayList<>(IntStream.range(0, learned.size()).boxed().toList());
                Collections.shuffle(order, new Random(recipe.seed()));
                List<Integer> chosen = order.subList(0, count).stream().sorted().toList();
                List<Encoded> part = chosen.stream().map(learned::get).toList();
                chosen.reversed().forEach(i -> learned.remove((int) i));
                yield part;
            }
        };
    }

    private Adapter adapter() {
        if (recipe.init().isPresent())
            return AdapterFile.read(recipe.init().get(), base.model(), reading);
        Method method = Methods.make(recipe.method().name(), recipe.method().settings());
        var targets =
                new Targets(
                        recipe.targets().isEmpty()
                                ? Targets.NOTHING
                                : Targets.choice(recipe.targets()),
                        recipe.exclude().isEmpty()
                                ? Targets.NOTHING
                                : Targets.choice(recipe.exclude()),
                        recipe.layers(),
                        List.of(),
                        recipe.modulesToSave(),
                        switch (recipe.bias()) {
                            case NONE -> Targets.Bias.NONE;
                            case ALL -> Targets.Bias.ALL;
                            case ADAPTED -> Targets.Bias.ADAPTED;
                        });
        targets.checkNames(base.model());
        return Adapter.attach(method, targets, base.model(), recipe.seed());
    }

    /** Made before training, so that a folder that cannot be written costs no training. */
    private void makeOut() {
        try {
            Files.createDirectories(recipe.out());
        } catch (IOException e) {
            throw new UserError(
                    "cannot make the folder --out " + recipe.out() + ": " + Reasons.of(e), e);
        }
    }

    private TrainEvent.Done steps(
            Adapter adapter,
            Trainer trainer,
            List<Encoded> learned,
            List<Encoded> heldOut,
            long begun) {
        int steps = recipe.stepsFor(learned.size());
        var batches =
                new Batches(
                        learned.stream().mapToInt(e -> e.ids().length).toArray(),
                        recipe.batch(),
                        recipe.accumulate(),
                        recipe.shuffle(),
                        recipe.seed());
        double highest = recipe.learningRate().orElse(adapter.method().learningRate());
        LearningRate rate = LearningRate.of(recipe, highest, steps);
        events.accept(
                new TrainEvent.Started(
                        steps,
                        learned.size(),
                        adapter.trainable(),
                        base.model().parameters(),
                        machine(),
                        recipe));
        // An adapter that goes on from a file has its start.
        if (recipe.init().isEmpty()) trainer.calibrate(calibration(adapter, batches, learned));
        long tokens = 0;
        long last = System.nanoTime();
        long firstStep = last;
        for (int step = 1; step <= steps; step++) {
            var passes =
                    batches.step(step).stream()
                            .map(pass -> pass.stream().map(learned::get).toList())
                            .toList();
            Trainer.Step done = stepOrStopped(trainer, passes, rate.at(step), step);
            tokens += done.tokens();
            long now = System.nanoTime();
            events.accept(
                    new TrainEvent.Stepped(
                            step,
                            done.loss(),
                            done.learnedTokens(),
                            done.tokens(),
                            rate.at(step),
                            done.gradientNorm(),
                            Duration.ofNanos(now - last)));
            last = now;
            boolean look =
                    recipe.evalEvery() > 0 && step % recipe.evalEvery() == 0 || step == steps;
            if (look && !heldOut.isEmpty()) events.accept(evaluated(trainer, heldOut, step));
        }
        double seconds = (last - firstStep) / 1e9;
        AdapterFile.write(adapter, recipe.out(), recipe.base());
        events.accept(new TrainEvent.Saved(steps, recipe.out()));
        var done =
                new TrainEvent.Done(
                        steps,
                        Duration.ofNanos(System.nanoTime() - begun),
                        tokens / seconds,
                        ProcessMemory.peakBytes().orElse(0),
                        recipe.out());
        events.accept(done);
        return done;
    }

    /** Batches of the first examples, as many as a new adapter wants to see. */
    private List<List<Encoded>> calibration(
            Adapter adapter, Batches batches, List<Encoded> learned) {
        var out = new ArrayList<List<Encoded>>();
        int wanted = Math.min(adapter.calibrationExamples(), learned.size());
        for (long step = 1; wanted > 0; step++) {
            for (List<Integer> pass : batches.step(step)) {
                if (wanted <= 0) break;
                out.add(pass.stream().limit(wanted).map(learned::get).toList());
                wanted -= pass.size();
            }
        }
        return out;
    }

    private Trainer.Step stepOrStopped(
            Trainer trainer, List<List<Encoded>> passes, double rate, int step) {
        try {
            return trainer.step(passes, rate);
        } catch (TrainFailed e) {
            events.accept(new TrainEvent.Stopped(step, String.valueOf(e.getMessage())));
            throw e;
        }
    }

    private TrainEvent.Evaluated evaluated(Trainer trainer, List<Encoded> heldOut, int step) {
        long learned = heldOut.stream().mapToLong(Trainer::learnedTokens).sum();
        return new TrainEvent.Evaluated(step, trainer.loss(heldOut, recipe.batch()), learned);
    }

    private static String machine() {
        return Device.current()
                + ", "
                + Torch.threads()
                + (Torch.threads() == 1 ? " thread" : " threads");
    }
}
