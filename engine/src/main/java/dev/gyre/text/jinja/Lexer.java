package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Token.Kind;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A template's source in tokens, blanks dealt with as jinja2 does under {@code trim_blocks} and
 * {@code lstrip_blocks}: a newline after a block or comment goes, blanks before one that begins its
 * line go, a minus sign eats all blanks on its side and a plus sign keeps them.
 */
final class Lexer {
    private static final Pattern BEGIN =
            Pattern.compile(
                    "\\{%([-+]?)\\s*raw\\s*(-%\\}|%\\})|\\{%([-+]?)|\\{\\{([-+]?)|\\{#([-+]?)",
                    Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_RAW =
            Pattern.compile(
                    "\\{%([-+]?)\\s*endraw\\s*(\\+%\\}|-%\\}|%\\})",
                    Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern NUMBER =
            Pattern.compile(
                    "0[bB](_?[01])+|0[oO](_?[0-7])+|0[xX](_?[0-9a-fA-F])+"
                            + "|[0-9](_?[0-9])*(\\.[0-9](_?[0-9])*)?([eE][+-]?[0-9](_?[0-9])*)?");
    private static final List<String> OPERATORS =
            List.of(
                    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(",
                    ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;

    /**
     * Whether what comes next begins a line; jinja2 looks at the last character of the piece
     * before.
     */
    private boolean lineStarts = true;

    private Lexer(String source) {
        String lines = source.replace("\r\n", "\n").replace('\r', '\n');
        this.source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
    }

    static List<Token> tokens(String source) {
        var lexer = new Lexer(source);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        Matcher begin = BEGIN.matcher(source);
        while (begin.find(at)) {
            boolean print = source.startsWith("{{", begin.start());
            String sign = sign(begin);
            text(source.substring(at, begin.start()), sign, !print);
            move(begin.end());
            if (begin.group(2) != null) raw(begin.group(2).startsWith("-"));
            else if (source.startsWith("{#", begin.start())) comment();
            else inside(print);
        }
        text(source.substring(at), "+", false);
        move(source.length());
        add(Kind.END, "");
    }

    private static String sign(Matcher begin) {
        for (int group : new int[] {1, 3, 4, 5})
            if (begin.group(group) != null) return begin.group(group);
        return "";
    }

    private void text(String text, String sign, boolean block) {
        String kept = text;
        if (sign.equals("-")) {
            kept = Strings.rstrip(text);
        } else if (!sign.equals("+") && block) {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarts) && Strings.isBlank(text.substring(lineStart)))
                kept = text.substring(0, lineStart);
        }
        if (!kept.isEmpty()) add(Kind.TEXT, kept);
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) throw TemplateError.at(line, "the comment has no end: \"#}\" is missing");
        char sign = end > at ? source.charAt(end - 1) : ' ';
        move(end + 2);
        afterEnd(sign, true);
    }

    private void raw(boolean eats) {
        if (eats) eatBlanks();
        Matcher end = END_RAW.matcher(source);
        if (!end.find(at)) throw TemplateError.at(line, "\"{% endraw %}\" is missing");
        text(source.substring(at, end.start()), end.group(1), true);
        move(end.end());
        afterEnd(end.group(2).charAt(0), true);
    }

    /** After an end mark: what its sign says about the blanks that follow. */
    private void afterEnd(char sign, boolean block) {
        if (sign == '-') eatBlanks();
        else if (sign != '+' && block && source.startsWith("\n", at)) move(at + 1);
    }

    private void eatBlanks() {
        int end = at;
        while (end < source.length() && Strings.isSpace(source.charAt(end))) end++;
        move(end);
    }

    private void inside(boolean print) {
        add(print ? Kind.PRINT_BEGIN : Kind.BLOCK_BEGIN, print ? "{{" : "{%");
        String end = print ? "}}" : "%}";
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            eatBlanks();
            if (at >= source.length()) throw TemplateError.at(line, "\"" + end + "\" is missing");
            char c = source.charAt(at);
            if (open.isEmpty()) {
                boolean signed =
                        (c == '-' || (c == '+' && !print)) && source.startsWith(end, at + 1);
                if (signed || source.startsWith(end, at)) {
                    add(print ? Kind.PRINT_END : Kind.BLOCK_END, end);
                    move(at + (signed ? 3 : 2));
                    afterEnd(signed ? c : ' ', !print);
                    return;
                }
            }
            if (c == '"' || c == '\'') string(c);
            else if (c >= '0' && c <= '9') number();
            else if (Character.isUnicodeIdentifierStart(source.codePointAt(at)) || c == '_') name();
            else operator(open);
        }
    }

    private void string(char quote) {
        int end = at + 1;
        while (end < source.length() && source.charAt(end) != quote)
            end += source.charAt(end) == '\\' ? 2 : 1;
        if (end >= source.length()) throw TemplateError.at(line, "a string has no end");
        add(Kind.STRING, Strings.unescape(source.substring(at + 1, end), line));
        move(end + 1);
    }

    private void number() {
        Matcher number = NUMBER.matcher(source).region(at, source.length());
        if (!number.lookingAt()) throw TemplateError.at(line, "not a number");
        String text = number.group().replace("_", "");
        boolean whole = text.matches("[0-9]+|0[bBoOxX].*");
        add(whole ? Kind.INTEGER : Kind.FLOAT, text);
        move(number.end());
    }

    private void name() {
        int end = at;
        while (end < source.length() && Character.isUnicodeIdentifierPart(source.codePointAt(end)))
            end += Character.charCount(source.codePointAt(end));
        if (end == at) end++; // a leading underscore is no identifier start to Java
        while (end < source.length() && Character.isUnicodeIdentifierPart(source.codePointAt(end)))
            end += Character.charCount(source.codePointAt(end));
        add(Kind.NAME, source.substring(at, end));
        move(end);
    }

    private void operator(Deque<Character> open) {
        for (String operator : OPERATORS) {
            if (!source.startsWith(operator, at)) continue;
            char c = operator.charAt(0);
            if (c == '(' || c == '[' || c == '{') open.push(c == '(' ? ')' : c == '[' ? ']' : '}');
            if (c == ')' || c == ']' || c == '}') {
                if (open.isEmpty() || open.pop() != c)
                    throw TemplateError.at(line, "\"" + c + "\" closes nothing");
            }
            add(Kind.OPERATOR, operator);
            move(at + operator.length());
            return;
        }
        throw TemplateError.at(
                line,
                "unexpected character \"" + Character.toString(source.codePointAt(at)) + "\"");
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    private void move(int to) {
        for (int i = at; i < to; i++) if (source.charAt(i) == '\n') line++;
        if (to > at) lineStarts = source.charAt(to - 1) == '\n';
        at = to;
    }
}
