package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Token.Kind;

import java.util.List;

/** The tokens of a template, one after another. */
final class Tokens {
    private final List<Token> tokens;
    private int at;

    Tokens(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token now() {
        return tokens.get(at);
    }

    Token ahead() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = now();
        if (at + 1 < tokens.size()) at++;
        return token;
    }

    boolean isName(String name) {
        return now().is(Kind.NAME, name);
    }

    boolean isOperator(String operator) {
        return now().is(Kind.OPERATOR, operator);
    }

    boolean skipName(String name) {
        boolean there = isName(name);
        if (there) next();
        return there;
    }

    boolean skipOperator(String operator) {
        boolean there = isOperator(operator);
        if (there) next();
        return there;
    }

    void needName(String name) {
        if (!skipName(name)) throw unexpected("\"" + name + "\"");
    }

    void needOperator(String operator) {
        if (!skipOperator(operator)) throw unexpected("\"" + operator + "\"");
    }

    Token need(Kind kind, String shown) {
        if (now().kind() != kind) throw unexpected(shown);
        return next();
    }

    String name() {
        return need(Kind.NAME, "a name").text();
    }

    TemplateError unexpected(String wanted) {
        return TemplateError.at(now().line(), wanted + " is wanted, not " + now().shown());
    }
}
