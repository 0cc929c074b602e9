package dev.gyre.text.jinja;

/** Text as Python sees it: blanks are those of Unicode, places are counted in code points. */
final class Strings {
    private Strings() {}

    static boolean isSpace(int c) {
        return Character.isWhitespace(c) || c == 0x85 || c == 0xA0 || c == 0x2007 || c == 0x202F;
    }

    /** Not empty and all blanks. */
    static boolean isBlank(String s) {
        return !s.isEmpty() && s.chars().allMatch(Strings::isSpace);
    }

    static String rstrip(String s) {
        int end = s.length();
        while (end > 0 && isSpace(s.charAt(end - 1))) end--;
        return s.substring(0, end);
    }

    static String lstrip(String s) {
        int start = 0;
        while (start < s.length() && isSpace(s.charAt(start))) start++;
        return s.substring(start);
    }

    static String rstrip(String s, String chars) {
        int end = s.length();
        while (end > 0 && chars.indexOf(s.codePointBefore(end)) >= 0)
            end -= Character.charCount(s.codePointBefore(end));
        return s.substring(0, end);
    }

    static String lstrip(String s, String chars) {
        int start = 0;
        while (start < s.length() && chars.indexOf(s.codePointAt(start)) >= 0)
            start += Character.charCount(s.codePointAt(start));
        return s.substring(start);
    }

    static int length(String s) {
        return s.codePointCount(0, s.length());
    }

    /** The code points of a text, each as a text. */
    static String[] characters(String s) {
        return s.codePoints().mapToObj(Character::toString).toArray(String[]::new);
    }

    static String capitalize(String s) {
        if (s.isEmpty()) return s;
        int first = Character.charCount(s.codePointAt(0));
        return s.substring(0, first).toUpperCase(java.util.Locale.ROOT) + lower(s.substring(first));
    }

    static String upper(String s) {
        return s.toUpperCase(java.util.Locale.ROOT);
    }

    static String lower(String s) {
        return s.toLowerCase(java.util.Locale.ROOT);
    }

    /** Each run of letters begins with a capital, and the rest is small. */
    static String title(String s) {
        var out = new StringBuilder();
        boolean inside = false;
        for (String c : characters(s)) {
            out.append(inside ? lower(c) : upper(c));
            inside = Character.isLetter(c.codePointAt(0));
        }
        return out.toString();
    }

    /** Python's escapes in a string; one that Python does not know stays as it is. */
    static String unescape(String s, int line) {
        if (s.indexOf('\\') < 0) return s;
        var out = new StringBuilder();
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c != '\\' || i + 1 == s.length()) {
                out.append(c);
                continue;
            }
            char e = s.charAt(++i);
            int digits = e == 'x' ? 2 : e == 'u' ? 4 : e == 'U' ? 8 : 0;
            if (digits > 0) {
                out.appendCodePoint(hex(s, i + 1, digits, line));
                i += digits;
            } else if (e >= '0' && e <= '7') {
                int end = i;
                while (end < s.length()
                        && end < i + 3
                        && s.charAt(end) >= '0'
                        && s.charAt(end) <= '7') end++;
                out.appendCodePoint(Integer.parseInt(s.substring(i, end), 8));
                i = end - 1;
            } else {
                out.append(simple(e));
            }
        }
        return out.toString();
    }

    private static String simple(char e) {
        return switch (e) {
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'r' -> "\r";
            case 'a' -> "\u0007";
            case 'b' -> "\b";
            case 'f' -> "\f";
            case 'v' -> "\u000B";
            case '\n' -> "";
            case '\\', '\'', '"' -> String.valueOf(e);
            default -> "\\" + e;
        };
    }

    private static int hex(String s, int from, int digits, int line) {
        try {
            int value = Integer.parseInt(s.substring(from, from + digits), 16);
            if (Character.isValidCodePoint(value)) return value;
        } catch (NumberFormatException | StringIndexOutOfBoundsException e) {
            // said below
        }
        throw TemplateError.at(line, "a broken \\x, \\u or \\U escape in a string");
    }
}
