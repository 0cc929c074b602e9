package dev.gyre.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.compare.report.Reports;
import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.config.Yaml;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;
import dev.gyre.train.TrainFailed;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xml.sax.InputSource;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

import javax.xml.parsers.DocumentBuilderFactory;

/** Sweeps in a laboratory whose results are known: what is run, resumed, ranked and written. */
class SweepTest {
    @TempDir Path folder;

    /** Loss falls with the gain of a method, most at the rate 1e-3; runs scatter a little. */
    private static final class Known implements Lab {
        private final Map<String, Double> gains;
        private final List<String> runs = Collections.synchronizedList(new ArrayList<>());
        private int atOnce = 1;
        private int killedAt = Integer.MAX_VALUE;

        Known(Map<String, Double> gains) {
            this.gains = gains;
        }

        @Override
        public Bench bench() {
            long[] rows = new long[30];
            Arrays.fill(rows, 5);
            long[] pieces = new long[8];
            Arrays.fill(pieces, 10);
            return new Bench(rows, 6, pieces, Map.of("base", "known"), "a machine");
        }

        @Override
        public Scores base() {
            return scores(3, 0, 0, 1);
        }

        private Scores scores(double loss, double exact, double rise, long seed) {
            var random = new Random(seed);
            double[] rows = random.doubles(30).map(u -> 5 * (loss + 0.02 * (u - 0.5))).toArray();
            double[] answers = new double[6];
            Arrays.fill(answers, exact);
            double[] pieces = random.doubles(8).map(u -> 10 * (2 + rise + 0.001 * u)).toArray();
            return new Scores(rows, answers, pieces);
        }

        @Override
        public Optional<String> obstacle(Recipe recipe) {
            return recipe.method().name().equals("givens")
                    ? Optional.of("it does not fit")
                    : Optional.empty();
        }

        @Override
        public int atOnce() {
            return atOnce;
        }

        @Override
        public <T> List<T> together(int count, IntFunction<T> work) {
            return IntStream.range(0, count).parallel().mapToObj(work).toList();
        }

        @Override
        public Measured run(Recipe recipe, Consumer<TrainEvent> events) {
            double rate = recipe.learningRate().orElseThrow();
            String name = recipe.method().name();
            if (runs.size() == killedAt) throw new Error("the power went");
            runs.add(name + " " + rate + " " + recipe.seed());
            if (rate > 0.5) throw new TrainFailed("the loss is NaN");
            double off = Math.log10(rate / 1e-3);
            double loss = 3 - gains.getOrDefault(name, 0.0) * (1 - 0.2 * off * off);
            return new Measured(
                    scores(loss, 1, rate * 10, recipe.seed() * 31 + name.hashCode()),
                    new double[] {3, loss},
                    1000,
                    4000,
                    0.5,
                    1_000_000,
                    2_000_000,
                    OptionalDouble.of(1e-5),
                    "",
                    60);
        }
    }

    private Plan plan(Object... more) {
        var all = new LinkedHashMap<String, Object>();
        all.put("base", "b");
        all.put("data", "d.jsonl");
        all.put("out", folder.toString());
        all.put("methods", "oft,lora");
        all.put("rates", "1e-4,1e-3");
        for (int i = 0; i < more.length; i += 2) all.put(more[i].toString(), more[i + 1]);
        return Plan.read(Tree.of(all, "test", ""));
    }

    private static Comparison run(Plan plan, Lab lab) {
        return Sweep.run(plan, lab, e -> {});
    }

    private static List<String> plain(Comparison all) {
        return all.results().stream().map(r -> Json.write(Result.plain(r))).toList();
    }

    @Test
    void oneSeedChoosesTheRateAndTheOthersRunThere() {
        var lab = new Known(Map.of("oft", 1.0, "lora", 0.5));
        Comparison all = run(plan(), lab);
        assertThat(lab.runs)
                .containsExactly(
                        "oft 1.0E-4 0",
                        "lora 1.0E-4 0",
                        "oft 0.001 0",
                        "lora 0.001 0",
                        "oft 0.001 1",
                        "oft 0.001 2",
                        "lora 0.001 1",
                        "lora 0.001 2");
        assertThat(all.standings()).allSatisfy(s -> assertThat(s.rate()).isEqualTo(1e-3));
        assertThat(all.standings()).allSatisfy(s -> assertThat(s.runs()).hasSize(3));
    }

    @ParameterizedTest
    @CsvSource({"0", "1", "5"})
    void aKilledSweepGoesOnToTheSameResults(int killedAt) {
        var gains = Map.of("oft", 1.0, "lora", 0.5);
        var lab = new Known(gains);
        lab.killedAt = killedAt;
        assertThatThrownBy(() -> run(plan(), lab)).isInstanceOf(Error.class);
        var rest = new Known(gains);
        Comparison resumed = run(plan(), rest);
        assertThat(rest.runs).hasSize(8 - killedAt);
        Plan elsewhere = plan("out", folder.resolve("whole").toString());
        assertThat(plain(resumed)).isEqualTo(plain(run(elsewhere, new Known(gains))));
        assertThat(run(plan(), new Known(gains)).results()).hasSize(8);
    }

    /** A rate must be chosen before its other seeds run, however many go at the same time. */
    @Test
    void runsAtTheSameTimeAreTheSameRuns() {
        var gains = Map.of("oft", 1.0, "lora", 0.5);
        var alone = new Known(gains);
        Comparison one = run(plan("rates", "auto", "methods", "oft,lora,ia3"), alone);
        var crowd = new Known(gains);
        crowd.atOnce = 4;
        Comparison many =
                run(
                        plan(
                                "rates",
                                "auto",
                                "methods",
                                "oft,lora,ia3",
                                "parallel",
                                4,
                                "out",
                                folder.resolve("many").toString()),
                        crowd);
        assertThat(crowd.runs).containsExactlyInAnyOrderElementsOf(alone.runs);
        assertThat(plain(many)).containsExactlyInAnyOrderElementsOf(plain(one));
    }

    @Test
    void whatDiffersByMoreThanChanceIsToldApart() {
        Ranking clear =
                run(plan(), new Known(Map.of("oft", 1.0, "lora", 0.5))).by(Measure.HELD_OUT);
        assertThat(clear.order().getFirst().standing().name()).isEqualTo("oft");
        assertThat(clear.pairs()).hasSize(1).allSatisfy(p -> assertThat(p.apart()).isTrue());
        Plan like = plan("out", folder.resolve("like").toString());
        Ranking unclear =
                run(like, new Known(Map.of("oft", 1.0, "lora", 1.0001))).by(Measure.HELD_OUT);
        assertThat(unclear.pairs()).hasSize(1).allSatisfy(p -> assertThat(p.apart()).isFalse());
        assertThat(unclear.order()).allSatisfy(p -> assertThat(p.worst()).isEqualTo(2));
    }

    @Test
    void automaticRatesGoOneBeyondAnEnd() {
        var lab = new Known(Map.of("ia3", 1.0));
        Comparison all = run(plan("methods", "ia3", "rates", "auto", "seeds", 1), lab);
        // IA3's own rate is 1e-2: a third of it is the best of three and an end of the grid.
        assertThat(lab.runs).hasSize(4);
        assertThat(all.standings().getFirst().rate()).isLessThan(1.4e-3);
    }

    @Test
    void aDivergedRunIsAResult() {
        var gains = Map.of("oft", 1.0);
        Comparison all = run(plan("methods", "oft", "rates", "1e-3,1"), new Known(gains));
        assertThat(all.results().stream().filter(r -> r instanceof Result.Diverged)).hasSize(1);
        Plan none = plan("methods", "oft", "rates", "1", "out", folder.resolve("n").toString());
        Comparison nothing = run(none, new Known(gains));
        assertThat(Reports.summary(nothing)).singleElement().asString().contains("diverged");
        Reports.write(nothing);
    }

    @Test
    void aMethodThatDoesNotFitIsLeftOut() {
        Comparison all = run(plan("methods", "oft,givens"), new Known(Map.of("oft", 1.0)));
        assertThat(all.obstacles().values()).containsExactly("it does not fit");
        assertThat(all.standings()).hasSize(1);
    }

    @Test
    void anotherComparisonsFolderIsRefused() {
        var gains = Map.of("oft", 1.0, "lora", 0.5);
        run(plan(), new Known(gains));
        assertThatThrownBy(() -> run(plan("steps", 7), new Known(gains)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("steps");
    }

    /**
     * Keys of a plan come to be: a folder from before goes on where the new key changes nothing.
     */
    @ParameterizedTest
    @CsvSource({
        "base_encoding, nf4",
        "parallel, 2",
        "warmup, 0.2",
        "targets, q_proj",
        "allow, cut-off"
    })
    void aFolderFromBeforeAKeyGoesOnWithItsDefault(String key, String other) throws IOException {
        var gains = Map.of("oft", 1.0, "lora", 0.5);
        run(plan(), new Known(gains));
        Path file = folder.resolve(Results.FILE);
        List<String> lines = new ArrayList<>(Files.readAllLines(file));
        Tree before = Json.read(lines.getFirst(), "test", 1);
        var first = new LinkedHashMap<String, @Nullable Object>();
        before.entries().forEach((k, v) -> first.put(k, v.plain()));
        var compared = new LinkedHashMap<String, @Nullable Object>();
        before.need("comparison").entries().forEach((k, v) -> compared.put(k, v.plain()));
        assertThat(compared.remove(key)).isNotNull();
        first.put("comparison", compared);
        lines.set(0, Json.write(first));
        Files.write(file, lines);
        var rest = new Known(gains);
        run(plan(), rest);
        assertThat(rest.runs).isEmpty();
        assertThatThrownBy(
                        () ->
                                run(
                                        plan(key, Objects.requireNonNull(Yaml.scalar(other))),
                                        new Known(gains)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("\"" + key + "\" is ");
    }

    @Test
    void aKeyWithoutADefaultIsMissed() throws IOException {
        var gains = Map.of("oft", 1.0, "lora", 0.5);
        run(plan(), new Known(gains));
        Path file = folder.resolve(Results.FILE);
        String text = Files.readString(file);
        assertThat(text).contains("\"data\":");
        Files.writeString(file, text.replaceFirst("\"data\":", "\"dates\":"));
        assertThatThrownBy(() -> run(plan(), new Known(gains)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("its \"data\" is null");
    }

    @Test
    void aDamagedLineIsNamed() throws IOException {
        var gains = Map.of("oft", 1.0, "lora", 0.5);
        run(plan(), new Known(gains));
        Path file;
        try (var files = Files.list(folder)) {
            file = files.filter(f -> f.toString().endsWith(".jsonl")).findFirst().orElseThrow();
        }
        List<String> lines = new ArrayList<>(Files.readAllLines(file));
        lines.set(2, lines.get(2).substring(0, 20));
        Files.write(file, lines);
        assertThatThrownBy(() -> run(plan(), new Known(gains)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(file.getFileName() + ":3");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "methods | ofte | did you mean \"oft\"",
                "methods | oft,oft | twice",
                "parallel | -1 | a whole number from 0",
                "rates | 0,1e-3 | numbers above 0",
                "rates | 1e-3,-1 | numbers above 0",
                "rates | fast | numbers above 0",
                "seeds | 0 | from 1",
                "steps | 1 | from 2"
            })
    void aWrongPlanIsAnError(String key, String value, String says) {
        Object plain = Yaml.scalar(value);
        assertThatThrownBy(() -> plan(key, plain == null ? value : plain))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(says);
    }

    @Test
    void thePageNeedsNothingElse() throws Exception {
        Comparison all = run(plan(), new Known(Map.of("oft", 1.0, "lora", 0.5)));
        Reports.write(all);
        String page = Files.readString(folder.resolve(Reports.HTML));
        assertThat(page).contains("<svg", "prefers-color-scheme", "What was found", "oft");
        assertThat(page).doesNotContain("http:", "https:", "<script", "<link", "src=", "NaN");
        String body = page.substring(page.indexOf("<body>"), page.indexOf("</html>"));
        DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(body)));
        Tree json = Json.read(folder.resolve(Reports.JSON));
        assertThat(json.need("runs").items()).hasSize(8);
        assertThat(Files.readString(folder.resolve(Reports.MARKDOWN))).contains("| oft |");
    }
}
