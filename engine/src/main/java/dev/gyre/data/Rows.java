package dev.gyre.data;

import dev.gyre.config.Json;
import dev.gyre.config.NearMiss;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads examples from a file of JSON lines. */
public final class Rows {
    private final Path file;
    private final Allowances allowed;
    private Format format;
    private final boolean detects;
    private int skipped;

    private Rows(Path file, String format, Allowances allowed) {
        this.file = file;
        this.allowed = allowed;
        this.detects = format.equals("auto");
        this.format = detects ? Formats.ALL.getFirst() : Formats.named(format);
    }

    /**
     * All examples of a file, in its order. Blank lines are passed over.
     *
     * @param format a format's name, or {@code auto}: that of the first row
     * @throws UserError with file and line, for what is not allowed
     */
    public static List<Example> read(Path file, String format, Allowances allowed) {
        return new Rows(file, format, allowed).readAll();
    }

    private List<Example> readAll() {
        var out = new ArrayList<Example>();
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            int number = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                number++;
                String text = number == 1 && line.startsWith("\uFEFF") ? line.substring(1) : line;
                if (text.isBlank()) continue;
                Tree row = row(text, number);
                if (row == null) continue;
                if (out.isEmpty() && detects) format = Formats.of(row);
                checkKeys(row);
                out.add(format.read(row));
            }
        } catch (CharacterCodingException e) {
            throw new UserError(file + ": the file is not UTF-8 text; wanted one JSON object a line", e);
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
        if (out.isEmpty())
            throw new UserError(file + ": there is no example in it"
                    + (skipped > 0 ? " (" + skipped + " lines were not JSON)" : "; wanted one JSON object a line"));
        return out;
    }

    private @org.jspecify.annotations.Nullable Tree row(String line, int number) {
        try {
            Tree row = Json.read(line, file.toString(), number);
            if (!row.isMap()) throw row.wrong("a JSON object with the keys of its format");
            return row;
        } catch (UserError e) {
            if (!allowed.badLine()) throw e;
            skipped++;
            return null;
        }
    }

    private void checkKeys(Tree row) {
        if (allowed.unknownKey()) return;
        for (String key : row.entries().keySet())
            if (!format.keys().contains(key))
                throw new UserError("%s: the format %s has no key \"%s\"%s"
                        .formatted(row.where(), format.name(), key, NearMiss.hint(key, format.keys())));
    }
}
