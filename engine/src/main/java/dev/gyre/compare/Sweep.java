package dev.gyre.compare;

import dev.gyre.config.UserError;
import dev.gyre.train.MethodSpec;
import dev.gyre.train.TrainFailed;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Which runs a comparison makes. First every method at every rate with the first seed; where the
 * best of {@code auto} rates is an end of the grid, one more beyond it; then the other seeds at the
 * best rate. The best is that of the lowest loss on the held-out rows that choose. What is to be
 * done next is a function of what is done, so a comparison goes on wherever it stopped.
 */
public final class Sweep {
    /** The seed of the runs that choose the rate. */
    static final long FIRST_SEED = 0;

    private final Plan plan;
    private final Lab lab;
    private final Lab.Bench bench;
    private final Results results;
    private final Consumer<CompareEvent> events;
    private final Map<MethodSpec, String> obstacles = new LinkedHashMap<>();
    private final List<MethodSpec> fitting = new ArrayList<>();

    private Sweep(Plan plan, Lab lab, Consumer<CompareEvent> events) {
        this.plan = plan;
        this.lab = lab;
        this.bench = lab.bench();
        this.events = events;
        var compared = new LinkedHashMap<>(plan.budget());
        compared.putAll(bench.facts());
        this.results = new Results(plan.out(), compared, bench);
    }

    /**
     * Makes the runs that are missing.
     *
     * @throws UserError when the folder is of another comparison, or no method fits the base
     */
    public static Comparison run(Plan plan, Lab lab, Consumer<CompareEvent> events) {
        return new Sweep(plan, lab, events).run();
    }

    private Comparison run() {
        if (results.base().isEmpty()) results.begin(lab.base());
        for (MethodSpec method : plan.specs()) fitting(method);
        if (fitting.isEmpty())
            throw new UserError(
                    "none of the methods fits the base; " + obstacles.values().iterator().next());
        events.accept(new CompareEvent.Begun(plan, bench, results.all().size(), left()));
        for (List<Run> next = next(); !next.isEmpty(); next = next()) {
            List<Run> some = next;
            events.accept(new CompareEvent.RunBegins(some.getFirst()));
            for (Result result : lab.together(some.size(), i -> kept(some.get(i), i == 0)))
                events.accept(
                        new CompareEvent.RunEnded(
                                result, bench, results.base().orElseThrow(), left(), timeLeft()));
        }
        // Not sooner: runs at the same time have their folders in it.
        Folders.removeEmpty(adapters());
        return Comparison.of(
                plan, bench, results.base().orElseThrow(), results.all(), Map.copyOf(obstacles));
    }

    private Path adapters() {
        return plan.out().resolve("adapters");
    }

    /** What no run was needed for needs no look whether it fits. */
    private void fitting(MethodSpec method) {
        boolean ran = results.all().stream().anyMatch(r -> r.run().method().equals(method));
        Optional<String> obstacle =
                ran
                        ? Optional.empty()
                        : lab.obstacle(plan.recipe(new Run(method, 1, FIRST_SEED), plan.out()));
        if (obstacle.isEmpty()) fitting.add(method);
        else {
            obstacles.put(method, obstacle.get());
            events.accept(new CompareEvent.LeftOut(method, obstacle.get()));
        }
    }

    /** A run's result, on disk before others that go at the same time are waited for. */
    private Result kept(Run run, boolean told) {
        Result result = result(run, told);
        results.add(result);
        return result;
    }

    /**
     * Makes a run.
     *
     * @param told whether its training is told of; of runs at the same time, one's is
     */
    private Result result(Run run, boolean told) {
        Path adapter = adapters().resolve(folder(run));
        try {
            Folders.remove(adapter);
            return new Result.Finished(
                    run,
                    lab.run(
                            plan.recipe(run, adapter),
                            e -> {
                                if (told) events.accept(new CompareEvent.Training(e));
                            }));
        } catch (TrainFailed e) {
            return new Result.Diverged(run, String.valueOf(e.getMessage()));
        } finally {
            if (!plan.keepAdapters()) Folders.remove(adapter);
        }
    }

    private static String folder(Run run) {
        return Run.word(run.method()).replaceAll("[^A-Za-z0-9.]+", "-")
                + "_rate-"
                + run.rate()
                + "_seed-"
                + run.seed();
    }

    /** Runs that do not wait for one another's results, as many as go at the same time. */
    private List<Run> next() {
        return stages().stream()
                .filter(stage -> !stage.isEmpty())
                .findFirst()
                .map(stage -> stage.subList(0, Math.min(stage.size(), lab.atOnce())))
                .orElse(List.of());
    }

    private List<Run> todo() {
        return stages().stream().flatMap(List::stream).toList();
    }

    /**
     * Runs to be made, as far as is known: those of the grids, those beyond, and those of the other
     * seeds. The sweep goes rate by rate, so that a slip in one method shows early.
     */
    private List<List<Run>> stages() {
        var grids = new ArrayList<Run>();
        int longest = fitting.stream().mapToInt(m -> plan.grid(m).size()).max().orElse(0);
        for (int i = 0; i < longest; i++)
            for (MethodSpec method : fitting)
                if (i < plan.grid(method).size())
                    grids.add(new Run(method, plan.grid(method).get(i), FIRST_SEED));
        var beyond = new ArrayList<Run>();
        for (MethodSpec method : fitting)
            Rates.beyond(plan, method, results.all(), bench)
                    .ifPresent(rate -> beyond.add(new Run(method, rate, FIRST_SEED)));
        var seeds = new ArrayList<Run>();
        for (MethodSpec method : fitting)
            Rates.best(method, results.all(), bench)
                    .ifPresent(
                            rate -> {
                                for (long seed = 1; seed < plan.seeds(); seed++)
                                    seeds.add(new Run(method, rate, FIRST_SEED + seed));
                            });
        List<List<Run>> stages = List.of(grids, beyond, seeds);
        stages.forEach(stage -> stage.removeIf(run -> results.of(run).isPresent()));
        return stages;
    }

    /** Runs that are still to be made, as far as is known. */
    private int left() {
        return todo().size() + unknownYet().size() * (plan.seeds() - 1);
    }

    /** The methods whose best rate is not known, and so their further runs are not either. */
    private List<MethodSpec> unknownYet() {
        return fitting.stream()
                .filter(m -> Rates.best(m, results.all(), bench).isEmpty())
                .filter(m -> todo().stream().anyMatch(run -> run.method().equals(m)))
                .toList();
    }

    /** Each method's runs take as long as those it had, or else as the others' had. */
    private Duration timeLeft() {
        double seconds = 0;
        for (Run run : todo()) seconds += seconds(run.method());
        for (MethodSpec method : unknownYet()) seconds += (plan.seeds() - 1) * seconds(method);
        return Duration.ofMillis(Math.round(1000 * seconds / lab.atOnce()));
    }

    private double seconds(MethodSpec method) {
        return seconds(r -> r.run().method().equals(method))
                .orElseGet(() -> seconds(r -> true).orElse(0));
    }

    private OptionalDouble seconds(Predicate<Result.Finished> which) {
        return results.all().stream()
                .flatMap(r -> r instanceof Result.Finished f ? Stream.of(f) : Stream.of())
                .filter(which)
                .mapToDouble(f -> f.measured().seconds())
                .average();
    }
}
