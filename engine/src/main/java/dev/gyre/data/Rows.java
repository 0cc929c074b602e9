package dev.gyre.data;

import dev.gyre.config.Json;
import dev.gyre.config.NearMiss;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads examples from a file of JSON lines, each line alone in memory. */
public final class Rows {
    private final Path file;
    private final Allowances allowed;
    private final Tally tally;

    private Rows(Path file, Allowances allowed, Tally tally) {
        this.file = file;
        this.allowed = allowed;
        this.tally = tally;
    }

    /** As {@link #read(Path, String, Allowances, Tally)}, without counting. */
    public static List<Example> read(Path file, String format, Allowances allowed) {
        return read(file, format, allowed, new Tally());
    }

    /**
     * All examples of a file, in its order. Blank lines are passed over.
     *
     * @param format a format's name, or {@code auto}: that of the first row
     * @param tally counts what was allowed and happened
     * @throws UserError with file and line, for what is not allowed
     */
    public static List<Example> read(Path file, String format, Allowances allowed, Tally tally) {
        Optional<Format> given =
                format.equals("auto") ? Optional.empty() : Optional.of(Formats.named(format));
        try (var lines = new Lines(file)) {
            return new Rows(file, allowed, tally).examples(lines, given);
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
    }

    private List<Example> examples(Lines lines, Optional<Format> given) throws IOException {
        var out = new ArrayList<Example>();
        Optional<Format> format = given;
        int badLines = 0;
        while (lines.next()) {
            Optional<Tree> row = Optional.empty();
            try {
                String text = lines.text();
                if (text.isBlank()) continue;
                row = Optional.of(row(text, lines.number()));
            } catch (UserError e) {
                if (!allowed.badLine()) throw e;
                badLines++;
                tally.add(Tally.Kind.BAD_LINE);
                continue;
            }
            Tree tree = row.orElseThrow();
            Format known = format.orElseGet(() -> Formats.of(tree));
            format = Optional.of(known);
            checkKeys(tree, "a row of the format " + known.name(), known.keys());
            out.add(known.read(tree, this::checkKeys));
        }
        if (out.isEmpty())
            throw new UserError(
                    file
                            + ": there is no example in it"
                            + (badLines > 0
                                    ? "; lines that are not JSON objects: " + badLines
                                    : "; wanted one JSON object a line"));
        return out;
    }

    private Tree row(String text, int number) {
        String start = text.stripLeading();
        // Whoever saved a list or a laid-out object gets no further with the parser's own words.
        if (start.startsWith("[") || start.strip().equals("{"))
            throw new UserError(
                    "%s:%d: wanted JSON lines: a whole object in each line, not %s"
                            .formatted(
                                    file,
                                    number,
                                    start.startsWith("[") ? "a list" : "one over several lines"));
        Tree row = Json.read(text, file.toString(), number);
        if (!row.isMap()) throw row.wrong("a JSON object with the keys of its format");
        return row;
    }

    private void checkKeys(Tree map, String what, List<String> known) {
        for (var entry : map.entries().entrySet()) {
            if (known.contains(entry.getKey())) continue;
            if (!allowed.unknownKey())
                throw new UserError(
                        "%s: %s has no key \"%s\"%s; to ignore such keys: --allow unknown-key"
                                .formatted(
                                        entry.getValue().where(),
                                        what,
                                        entry.getKey(),
                                        NearMiss.hint(entry.getKey(), known)));
            tally.add(Tally.Kind.UNKNOWN_KEY);
        }
    }
}
