package dev.gyre.config;

import org.jspecify.annotations.Nullable;

import java.util.regex.Pattern;

/** What an unquoted word means: nothing, a truth value, a number or text (YAML 1.2 core schema). */
final class Scalars {
    private static final Pattern WHOLE = Pattern.compile("[-+]?[0-9]{1,18}");
    private static final Pattern REAL =
            Pattern.compile("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");

    private Scalars() {}

    static @Nullable Object read(String word) {
        return switch (word) {
            case "", "~", "null", "Null", "NULL" -> null;
            case "true", "True", "TRUE" -> true;
            case "false", "False", "FALSE" -> false;
            case ".inf", "+.inf" -> Double.POSITIVE_INFINITY;
            case "-.inf" -> Double.NEGATIVE_INFINITY;
            case ".nan" -> Double.NaN;
            default -> {
                if (WHOLE.matcher(word).matches())
                    yield Long.parseLong(word.startsWith("+") ? word.substring(1) : word);
                if (REAL.matcher(word).matches()) yield Double.parseDouble(word);
                yield word;
            }
        };
    }
}
