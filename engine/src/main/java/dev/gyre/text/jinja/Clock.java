package dev.gyre.text.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Times in C's {@code strftime} notation, in English. */
final class Clock {
    private Clock() {}

    static String format(String format, LocalDateTime time) {
        var out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char field = format.charAt(++i);
            boolean unpadded = field == '-' && i + 1 < format.length();
            if (unpadded) field = format.charAt(++i);
            String text = field(field, time);
            out.append(
                    unpadded && text.length() > 1 && text.startsWith("0")
                            ? text.substring(1)
                            : text);
        }
        return out.toString();
    }

    private static String field(char field, LocalDateTime time) {
        String pattern =
                switch (field) {
                    case 'Y' -> "uuuu";
                    case 'y' -> "uu";
                    case 'm' -> "MM";
                    case 'd' -> "dd";
                    case 'e' -> "ppd";
                    case 'b', 'h' -> "MMM";
                    case 'B' -> "MMMM";
                    case 'a' -> "EEE";
                    case 'A' -> "EEEE";
                    case 'H' -> "HH";
                    case 'I' -> "hh";
                    case 'M' -> "mm";
                    case 'S' -> "ss";
                    case 'p' -> "a";
                    case 'j' -> "DDD";
                    case 'F' -> "uuuu-MM-dd";
                    case 'T' -> "HH:mm:ss";
                    case 'D' -> "MM/dd/uu";
                    case 'R' -> "HH:mm";
                    case 'f' -> "SSSSSS";
                    case '%' -> "'%'";
                    case 'n' -> "'\n'";
                    case 't' -> "'\t'";
                    default ->
                            throw new TemplateError(
                                    "strftime_now: %" + field + " is not supported");
                };
        return DateTimeFormatter.ofPattern(pattern, Locale.US).format(time);
    }
}
