package dev.gyre;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The manual's first page, cut into its blocks. */
final class Readme {
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");

    private Readme() {}

    static String text() {
        try {
            return Files.readString(Path.of("..", "README.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The blocks of a language, in their order. */
    static List<String> blocks(String language) {
        var out = new ArrayList<String>();
        var matcher = BLOCK.matcher(text());
        while (matcher.find()) if (matcher.group(1).equals(language)) out.add(matcher.group(2));
        return out;
    }

    /** Every command, without the launcher's name, split into words. */
    static List<List<String>> commands() {
        return blocks("sh").stream()
                .flatMap(String::lines)
                .filter(l -> l.startsWith("./gyre "))
                .map(l -> words(l.substring("./gyre ".length())))
                .toList();
    }

    /** Splits as a shell does, as far as the manual uses one: blanks, and double quotes. */
    private static List<String> words(String line) {
        var out = new ArrayList<String>();
        var matcher = Pattern.compile("\"([^\"]*)\"|(\\S+)").matcher(line);
        while (matcher.find())
            out.add(matcher.group(1) != null ? matcher.group(1) : matcher.group(2));
        return out;
    }
}
