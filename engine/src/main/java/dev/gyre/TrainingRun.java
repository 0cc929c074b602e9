package dev.gyre;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.AdapterFile;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Targets;
import dev.gyre.adapter.method.Methods;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.data.Batches;
import dev.gyre.data.Encoded;
import dev.gyre.format.FolderLock;
import dev.gyre.model.Families;
import dev.gyre.model.Loading;
import dev.gyre.model.Model;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.tensor.Device;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Torch;
import dev.gyre.train.BaseQuality;
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
import java.util.List;
import java.util.function.Consumer;

/** One training run: from a recipe to an adapter on disk. */
final class TrainingRun {
    private final Recipe recipe;
    private final Base base;
    private final Consumer<TrainEvent> events;
    private final Reading reading;
    private final boolean overwrite;

    /**
     * @param overwrite whether the folder may hold something
     */
    TrainingRun(
            Recipe recipe,
            boolean overwrite,
            Base base,
            Reading reading,
            Consumer<TrainEvent> events) {
        this.recipe = recipe;
        this.overwrite = overwrite;
        this.base = base;
        this.reading = reading;
        this.events = events;
    }

    /** Refuses a folder that holds something, unless it may be overwritten. */
    static void checkOut(Path out, boolean overwrite) {
        if (!Files.exists(out)) return;
        if (!Files.isDirectory(out))
            throw new UserError("--out " + out + " is a file; wanted a folder");
        if (out.toAbsolutePath().normalize().getParent() == null)
            throw new UserError("--out " + out + " is the whole file system; choose a folder");
        if (overwrite) return;
        try {
            if (!FolderLock.isFree(out))
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
        TrainingData data = TrainingData.read(recipe, base, reading.warn());
        if (!recipe.baseEncoding().equals(BaseEncoding.STORED.name()))
            sayWhatEncodingCosts(data.learned());
        return run(data, begun);
    }

    /**
     * The same on rows that were read before.
     *
     * @param begun when it began, as {@code System.nanoTime()} counts
     */
    TrainEvent.Done run(TrainingData data, long begun) {
        try (Adapter adapter = adapter();
                var trainer =
                        new Trainer(
                                adapter, recipe.weightDecay(), recipe.clipNorm(), recipe.seed());
                // Before training, so that a folder that cannot be written costs none.
                var _ = FolderLock.of(recipe.out())) {
            checkOut(recipe.out(), overwrite);
            needRoom(adapter, data);
            return steps(
                    adapter,
                    trainer,
                    data.learned(),
                    data.heldOut().stream().map(TrainingData.Row::encoded).toList(),
                    begun);
        }
    }

    private void sayWhatEncodingCosts(List<Encoded> learned) {
        try (Model stored = Families.open(base.place(), Loading.PLAIN)) {
            events.accept(BaseQuality.of(recipe.baseEncoding(), base.model(), stored, learned));
        }
    }

    /** A new adapter as the recipe wants it, or the one to go on from. */
    Adapter adapter() {
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

    /**
     * Refuses an adapter that puts so many tokens of its own before each row that one has no room.
     */
    void needRoom(Adapter adapter, TrainingData data) {
        int own;
        try (var _ = Scope.open();
                var tape = Tape.off()) {
            own = adapter.effects(tape).positions();
        }
        int room = base.model().contextTokens() - own;
        if (own > 0 && data.longest() > room)
            throw new UserError(
                    "method %s puts %d tokens before each row, which leaves %d of the context, and the longest row has %d; give fewer tokens, or shorter rows"
                            .formatted(adapter.method().name(), own, room, data.longest()));
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
        if (rate.warmup() >= steps)
            throw new UserError(
                    "warmup = %s takes all of the %d steps, so the learning rate would never be reached; give fewer, or more steps"
                            .formatted(recipe.warmup(), steps));
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

    /** Device and threads in words. */
    static String machine() {
        return Device.current()
                + ", "
                + Torch.threads()
                + (Torch.threads() == 1 ? " thread" : " threads");
    }
}
