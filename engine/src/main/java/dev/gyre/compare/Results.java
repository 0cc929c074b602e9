package dev.gyre.compare;

import dev.gyre.config.Bind;
import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.format.AtomicFile;
import dev.gyre.format.FolderLock;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The finished runs of a comparison, in one file of JSON lines: the first says what is compared and
 * what the base scores, and each other one is a run. The file is replaced as a whole after each
 * run, so a killed process loses the run that it was at and no other.
 */
final class Results {
    static final String FILE = "runs.jsonl";

    private final Path file;
    private final Map<String, Object> compared;
    private final List<String> lines = new ArrayList<>();
    private final Map<Run, Result> results = new LinkedHashMap<>();
    private Optional<Scores> base = Optional.empty();

    /**
     * Opens the file in a folder, or makes ready to begin it.
     *
     * @param compared what the comparison is of; a file that says otherwise is refused
     * @throws UserError when a line is damaged, naming it, or the folder holds something else
     */
    Results(Path folder, Map<String, Object> compared, Lab.Bench bench) {
        this.file = folder.resolve(FILE);
        this.compared = compared;
        if (Files.exists(file)) read(bench);
        else refuseOthers(folder);
    }

    private static void refuseOthers(Path folder) {
        if (!Files.exists(folder)) return;
        try {
            if (!FolderLock.isFree(folder))
                throw new UserError(
                        "--out "
                                + folder
                                + " holds something, and no comparison; choose another folder");
        } catch (IOException e) {
            throw new UserError("cannot look into --out " + folder + ": " + Reasons.of(e), e);
        }
    }

    private void read(Lab.Bench bench) {
        List<String> all;
        try {
            all = Files.readAllLines(file);
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
        if (all.isEmpty()) throw new UserError(file + " is empty; to begin again, remove the file");
        for (int i = 0; i < all.size(); i++) {
            Tree line = line(all.get(i), i + 1);
            if (i == 0) first(line, bench);
            else result(line, bench);
            lines.add(all.get(i));
        }
    }

    private Tree line(String text, int number) {
        try {
            return Json.read(text, file.toString(), number);
        } catch (UserError e) {
            throw new UserError(
                    "%s; the line is damaged. Remove it to do its run again, or the file to begin again"
                            .formatted(e.getMessage()),
                    e);
        }
    }

    private void first(Tree line, Lab.Bench bench) {
        Tree there = line.need("comparison");
        Tree here = Json.read(Json.write(compared), "this comparison");
        // A key that plans have gained since then was as it is when it is not given.
        Tree since = Json.read(Json.write(Bind.defaults(Plan.class)), "the defaults");
        for (var entry : here.entries().entrySet()) {
            Object wanted = entry.getValue().plain();
            String key = entry.getKey();
            Object got = there.get(key).or(() -> since.get(key)).map(Tree::plain).orElse(null);
            if (wanted != null && !wanted.equals(got))
                throw differs(key, String.valueOf(got), String.valueOf(wanted));
        }
        for (String key : there.entries().keySet())
            if (!here.entries().containsKey(key))
                throw differs(key, String.valueOf(there.need(key).plain()), "not given");
        base = Optional.of(Result.scores(line.need("base"), bench));
    }

    private UserError differs(String key, String there, String here) {
        return new UserError(
                "%s is of another comparison: its \"%s\" is %s, here it is %s; choose another --out, or the same settings"
                        .formatted(file, key, there, here));
    }

    private void result(Tree line, Lab.Bench bench) {
        Result result = Result.read(line, bench);
        if (results.put(result.run(), result) != null)
            throw line.saying("repeats a run that stands above: " + result.run());
    }

    /** The base's scores, where they are known. */
    Optional<Scores> base() {
        return base;
    }

    /** Begins the file with the base's scores. */
    void begin(Scores scores) {
        var first = new LinkedHashMap<String, @Nullable Object>();
        first.put("comparison", compared);
        first.put("base", Result.plain(scores));
        base = Optional.of(scores);
        append(first);
    }

    /** Keeps a result; from any thread, while none reads. */
    synchronized void add(Result result) {
        results.put(result.run(), result);
        append(Result.plain(result));
    }

    private void append(Map<String, @Nullable Object> line) {
        lines.add(Json.write(line));
        AtomicFile.write(file, String.join("\n", lines) + "\n");
    }

    Optional<Result> of(Run run) {
        return Optional.ofNullable(results.get(run));
    }

    /** All results, by method, rate and seed: of runs at the same time any may end first. */
    List<Result> all() {
        return results.values().stream()
                .sorted(
                        Comparator.comparing((Result r) -> Run.word(r.run().method()))
                                .thenComparingDouble(r -> r.run().rate())
                                .thenComparingLong(r -> r.run().seed()))
                .toList();
    }
}
