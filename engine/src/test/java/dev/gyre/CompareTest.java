package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.compare.CompareEvent;
import dev.gyre.compare.Comparison;
import dev.gyre.compare.Measure;
import dev.gyre.compare.Plan;
import dev.gyre.compare.Result;
import dev.gyre.compare.Standing;
import dev.gyre.compare.report.Reports;
import dev.gyre.config.Tree;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A comparison of real methods on a real, if tiny, model, from files to files. */
class CompareTest {
    private static final Path PICO =
            Path.of("src/test/resources/golden/pico-llama/own-head").toAbsolutePath();

    @TempDir Path folder;

    private Map<String, Object> settings(String out, int seeds, int parallel) throws IOException {
        Path data = folder.resolve("rows.jsonl");
        var rows = new StringBuilder();
        for (int i = 0; i < 80; i++)
            rows.append("{\"prompt\": \"say %d\", \"completion\": \"%d\"}\n".formatted(i, i % 3));
        Files.writeString(data, rows);
        Path general = folder.resolve("general.txt");
        Files.writeString(general, "The rain fell on the roof all night. ".repeat(20));
        var all = new LinkedHashMap<String, Object>();
        all.put("base", PICO.toString());
        all.put("data", List.of(Map.of("path", data.toString(), "format", "prompt-completion")));
        all.put("out", folder.resolve(out).toString());
        all.put("methods", List.of("oft:block=8,lora:rank=2,prefix-tuning:tokens=2"));
        all.put("rates", List.of("1e-2,900"));
        all.put("seeds", seeds);
        all.put("parallel", parallel);
        all.put("steps", 3);
        all.put("batch", 4);
        all.put("accumulate", 1);
        all.put("held_out_rows", 8);
        all.put("answers", 3);
        all.put("general", general.toString());
        all.put("template", "none");
        return all;
    }

    private Plan plan(String out, int seeds, int parallel) throws IOException {
        return Plan.read(Tree.of(settings(out, seeds, parallel), "a test", ""));
    }

    private static Comparison run(Plan plan, List<CompareEvent> seen) {
        return Gyre.start(Gyre.Machine.auto(), new Silent()).compare(plan, seen::add);
    }

    @Test
    void trainsMeasuresRanksAndGoesOn() throws IOException {
        var seen = new ArrayList<CompareEvent>();
        Comparison first = run(plan("here", 1, 1), seen);
        assertThat(first.standings()).hasSize(3).allMatch(s -> s.tried().size() == 2);
        for (String method : List.of("oft:block=8", "lora:rank=2", "prefix-tuning:tokens=2"))
            assertThat(first.standings()).anyMatch(s -> s.name().equals(method));
        assertThat(first.standings().getFirst().rate()).isEqualTo(1e-2);
        assertThat(first.standings().getFirst().tried().getLast().loss()).isInfinite();

        Comparison more = run(plan("here", 2, 1), seen);
        assertThat(seen.stream().filter(e -> e instanceof CompareEvent.RunEnded)).hasSize(9);
        Reports.write(more);
        assertThat(folder.resolve("here").resolve(Reports.HTML)).isNotEmptyFile();

        // The same runs, made in one go, have the same scores.
        Comparison again = run(plan("there", 2, 1), new ArrayList<>());
        for (var standing : more.standings()) {
            List<Result.Finished> runs = standing.runs();
            List<Result.Finished> others =
                    again.standings().stream()
                            .filter(s -> s.name().equals(standing.name()))
                            .findFirst()
                            .orElseThrow()
                            .runs();
            assertThat(runs).hasSize(2);
            for (int i = 0; i < runs.size(); i++) {
                Result.Finished one = runs.get(i);
                assertThat(one.measured().losses()).isEqualTo(others.get(i).measured().losses());
                assertThat(one.measured().scores().general())
                        .isEqualTo(others.get(i).measured().scores().general());
                assertThat(one.measured().trainable()).isPositive();
                assertThat(one.measured().stepSeconds()).isPositive();
            }
        }
        assertThat(more.by(Measure.FORGETTING).order()).hasSize(3);
    }

    @Test
    void runsOnCoresOfTheirOwnAreDeterministicToo() throws IOException {
        Comparison two = run(plan("two", 1, 2), new ArrayList<>());
        Comparison all = run(plan("all", 1, 0), new ArrayList<>());
        assertThat(two.standings()).hasSize(3).allMatch(Standing::ranked);
        for (int i = 0; i < two.results().size(); i++) {
            if (!(two.results().get(i) instanceof Result.Finished one)) continue;
            var other = (Result.Finished) all.results().get(i);
            assertThat(one.run()).isEqualTo(other.run());
            assertThat(one.measured().losses()).isEqualTo(other.measured().losses());
            assertThat(one.measured().scores().heldOut())
                    .isEqualTo(other.measured().scores().heldOut());
            assertThat(one.measured().peakBytes()).isZero();
        }
    }

    @Test
    void methodsOfAnEncodedBaseAreComparedOnOne() throws IOException {
        Map<String, Object> all = settings("encoded", 1, 1);
        all.put("methods", List.of("loftq:rank=2,lora:rank=2"));
        all.put("rates", List.of("1e-3"));
        var plain = new ArrayList<CompareEvent>();
        Comparison onPlain = run(Plan.read(Tree.of(all, "a test", "")), plain);
        assertThat(onPlain.standings()).hasSize(1);
        assertThat(plain).anyMatch(e -> e instanceof CompareEvent.LeftOut);
        all.put("out", folder.resolve("nf4").toString());
        all.put("base_encoding", "nf4");
        Comparison onEncoded = run(Plan.read(Tree.of(all, "a test", "")), new ArrayList<>());
        assertThat(onEncoded.standings()).hasSize(2).allMatch(Standing::ranked);
    }
}
