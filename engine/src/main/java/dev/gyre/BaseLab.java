package dev.gyre;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.AdapterFile;
import dev.gyre.adapter.Reading;
import dev.gyre.compare.Lab;
import dev.gyre.compare.Measured;
import dev.gyre.compare.Plan;
import dev.gyre.compare.Scores;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.data.Encoded;
import dev.gyre.data.Example;
import dev.gyre.eval.AnswerLoss;
import dev.gyre.model.Effects;
import dev.gyre.tensor.Cores;
import dev.gyre.tensor.Device;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.train.HeldOut;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;
import dev.gyre.train.TrainFailed;
import dev.gyre.train.Trainer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** Trains and measures on a base that is open, with rows that are read once. */
final class BaseLab implements Lab {
    private final Base base;
    private final Reading reading;
    private final TrainingData all;

    /** What runs learn from; what is held out is measured afterwards. */
    private final TrainingData data;

    private final List<Encoded> heldOut;
    private final List<Question> questions;
    private final GeneralText general;
    private final Map<String, Object> facts = new LinkedHashMap<>();
    private final int parallel;

    /** By how much memory grew in the first run with its measures; 0 where that is not known. */
    private volatile long grown;

    BaseLab(Base base, Plan plan, Reading reading) {
        this.base = base;
        this.reading = reading;
        this.parallel = plan.parallel();
        if (parallel != 1 && Device.current() != Device.CPU)
            throw new UserError(
                    "runs go at the same time on processors only; leave out --parallel");
        this.all = TrainingData.read(plan.common(), base, reading.warn());
        List<TrainingData.Row> rows =
                all.heldOut().subList(0, Math.min(plan.heldOutRows(), all.heldOut().size()));
        if (rows.size() < 6)
            throw new UserError(
                    "there are %d held-out rows; wanted at least 6: give a larger --validation"
                            .formatted(rows.size()));
        this.data = new TrainingData(all.learned(), List.of());
        this.heldOut = rows.stream().map(TrainingData.Row::encoded).toList();
        this.questions =
                IntStream.range(0, rows.size())
                        .filter(i -> !Bench.chooses(i))
                        .mapToObj(rows::get)
                        .flatMap(row -> Question.of(row).stream())
                        .limit(plan.answers())
                        .toList();
        String text = GeneralText.read(plan.general());
        this.general = new GeneralText(base, text);
        facts.put("parameters", base.model().parameters());
        facts.put("rows_learned", data.learned().size());
        facts.put("rows_held_out", heldOut.size());
        facts.put("questions", questions.size());
        facts.put("data_sha256", plan.data().stream().map(d -> sha256(d.path())).toList());
        if (plan.validation() instanceof HeldOut.File(var source))
            facts.put("validation_sha256", sha256(source.path()));
        facts.put("general_sha256", sha256(text.getBytes(StandardCharsets.UTF_8)));
        facts.put("general_tokens", Arrays.stream(general.tokens()).sum());
    }

    private static String sha256(Path file) {
        try {
            return sha256(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** A conversation up to the answer, and the answer that is wanted. */
    private record Question(Prompt prompt, String wanted, int tokens) {
        /** Of a row that ends with an answer. */
        static Optional<Question> of(TrainingData.Row row) {
            int tokens = (int) Trainer.learnedTokens(row.encoded());
            return switch (row.example()) {
                case Example.Completion c ->
                        Optional.of(
                                new Question(Prompt.Chat.ask(c.prompt()), c.completion(), tokens));
                case Example.Chat(var messages, var where) -> {
                    var last = messages.getLast();
                    if (!last.role().equals("assistant") || messages.size() < 2)
                        yield Optional.empty();
                    var turns =
                            messages.subList(0, messages.size() - 1).stream()
                                    .map(m -> new Prompt.Turn(m.role(), m.content()))
                                    .toList();
                    yield Optional.of(new Question(new Prompt.Chat(turns), last.content(), tokens));
                }
            };
        }
    }

    @Override
    public Bench bench() {
        return new Bench(
                heldOut.stream().mapToLong(Trainer::learnedTokens).toArray(),
                questions.size(),
                general.tokens(),
                facts,
                TrainingRun.machine());
    }

    @Override
    public Scores base() {
        try (var _ = Scope.open()) {
            return scores(List.of());
        }
    }

    private Scores scores(List<Effects> adapters) {
        return new Scores(
                AnswerLoss.of(base.model(), adapters, heldOut),
                exact(adapters),
                general.nll(base, adapters));
    }

    private double[] exact(List<Effects> adapters) {
        double[] right = new double[questions.size()];
        if (questions.isEmpty()) return right;
        int longest = questions.stream().mapToInt(Question::tokens).max().orElseThrow();
        Answers.generate(
                base,
                adapters,
                base.model().contextTokens(),
                questions.stream().map(Question::prompt).toList(),
                Decoding.greedy(longest),
                piece -> {
                    if (!(piece instanceof Piece.Done done)) return;
                    String wanted = questions.get(done.index()).wanted().strip();
                    right[done.index()] = done.text().strip().equals(wanted) ? 1 : 0;
                });
        return right;
    }

    @Override
    public Optional<String> obstacle(Recipe recipe) {
        var run = new TrainingRun(recipe, true, base, reading, e -> {});
        try (Adapter adapter = run.adapter()) {
            run.needRoom(adapter, all);
            return Optional.empty();
        } catch (UserError e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public Measured run(Recipe recipe, Consumer<TrainEvent> events) {
        long begun = System.nanoTime();
        boolean marked = ProcessMemory.beginPeak();
        long before = ProcessMemory.residentBytes().orElse(0);
        var log = new Log();
        new TrainingRun(recipe, true, base, reading, events.andThen(log)).run(data, begun);
        long peak = marked ? peak() : 0;
        try (Adapter adapter = AdapterFile.read(recipe.out(), base.model(), reading);
                var _ = Scope.open()) {
            List<Effects> effects = effects(adapter);
            Scores scores = scores(effects);
            finite(scores);
            var merge = merge(effects);
            if (marked && grown == 0) grown = Math.max(1, peak() - before);
            return new Measured(
                    scores,
                    log.losses(),
                    adapter.trainable(),
                    bytes(recipe.out()),
                    log.stepSeconds(),
                    before,
                    parallel == 1 ? peak : 0,
                    merge.drift,
                    merge.whyNot,
                    (System.nanoTime() - begun) / 1e9);
        }
    }

    private static long peak() {
        return ProcessMemory.peakBytes().orElse(0);
    }

    /**
     * With {@code parallel: 0} the first run is alone, and shows what memory one takes; another
     * method's may take more, so half as much again is held free for each. Where the system does
     * not tell, all runs are alone.
     */
    @Override
    public int atOnce() {
        if (parallel > 0) return Math.min(parallel, Cores.count());
        if (grown == 0) return 1;
        long free = ProcessMemory.availableBytes().orElse(0);
        return Math.clamp(free / (grown + grown / 2), 1, Cores.count());
    }

    @Override
    public <T> List<T> together(int count, IntFunction<T> work) {
        return parallel == 1 ? List.of(work.apply(0)) : Cores.each(count, work);
    }

    private static List<Effects> effects(Adapter adapter) {
        try (var tape = Tape.off()) {
            return List.of(adapter.effects(tape));
        }
    }

    private static void finite(Scores scores) {
        if (!DoubleStream.concat(Arrays.stream(scores.heldOut()), Arrays.stream(scores.general()))
                .allMatch(Double::isFinite))
            throw new TrainFailed("after the last step the model's losses are not numbers");
    }

    private record Merge(OptionalDouble drift, String whyNot) {}

    private Merge merge(List<Effects> effects) {
        try {
            return new Merge(OptionalDouble.of(MergeDrift.of(base, effects)), "");
        } catch (UserError e) {
            return new Merge(OptionalDouble.empty(), String.valueOf(e.getMessage()));
        }
    }

    private static long bytes(Path folder) {
        try (var files = Files.list(folder)) {
            long sum = 0;
            for (Path file : files.toList()) sum += Files.size(file);
            return sum;
        } catch (IOException e) {
            throw new UserError("cannot look into " + folder + ": " + Reasons.of(e), e);
        }
    }

    /** Losses and times of the steps. */
    private static final class Log implements Consumer<TrainEvent> {
        private final List<TrainEvent.Stepped> steps = new ArrayList<>();

        @Override
        public void accept(TrainEvent event) {
            if (event instanceof TrainEvent.Stepped s) steps.add(s);
        }

        double[] losses() {
            return steps.stream().mapToDouble(TrainEvent.Stepped::loss).toArray();
        }

        /** The median; the first step also makes what all need. */
        double stepSeconds() {
            double[] sorted =
                    steps.stream()
                            .skip(1)
                            .mapToDouble(s -> s.took().toNanos() / 1e9)
                            .sorted()
                            .toArray();
            int n = sorted.length;
            return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
        }
    }
}
