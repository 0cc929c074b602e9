package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Node.Flow;
import dev.gyre.text.jinja.Node.Statement;
import dev.gyre.text.jinja.Token.Kind;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads statements. */
final class Parser {
    private static final int MOST_DEPTH = 100;

    private final Tokens tokens;
    private final Expressions expressions;
    private int depth;
    private int loops;

    private Parser(List<Token> tokens) {
        this.tokens = new Tokens(tokens);
        this.expressions = new Expressions(this.tokens);
    }

    static Statement parse(String source) {
        return new Parser(Lexer.tokens(source)).body(Set.of());
    }

    /**
     * Statements up to one of the given tags, which is left as the next token; up to the end when
     * none is given.
     */
    private Statement body(Set<String> ends) {
        if (++depth > MOST_DEPTH)
            throw TemplateError.at(tokens.now().line(), "blocks are nested too deeply");
        var statements = new ArrayList<Statement>();
        while (true) {
            Token t = tokens.next();
            if (t.kind() == Kind.TEXT) {
                statements.add(
                        f -> {
                            f.write(t.text());
                            return Flow.ON;
                        });
            } else if (t.kind() == Kind.PRINT_BEGIN) {
                Node value = expressions.tuple(true);
                tokens.need(Kind.PRINT_END, "\"}}\"");
                statements.add(
                        f -> {
                            f.step();
                            f.write(Values.text(value.in(f)));
                            return Flow.ON;
                        });
            } else if (t.kind() == Kind.BLOCK_BEGIN) {
                if (ends.contains(tokens.now().text())) break;
                statements.add(statement());
            } else {
                if (!ends.isEmpty())
                    throw TemplateError.at(
                            t.line(),
                            "\"{% "
                                    + String.join(" %}\" or \"{% ", ends.stream().sorted().toList())
                                    + " %}\" is missing");
                break;
            }
        }
        depth--;
        return f -> {
            for (Statement s : statements) {
                Flow flow = s.run(f);
                if (flow != Flow.ON) return flow;
            }
            return Flow.ON;
        };
    }

    private Statement bodyTo(String end) {
        Statement body = body(Set.of(end));
        tokens.needName(end);
        end();
        return body;
    }

    private void end() {
        tokens.need(Kind.BLOCK_END, "\"%}\"");
    }

    private Statement statement() {
        Token tag = tokens.need(Kind.NAME, "the name of a tag");
        return switch (tag.text()) {
            case "if" -> condition();
            case "for" -> loop();
            case "set" -> assignment();
            case "macro" -> macro();
            case "call" -> call();
            case "filter" -> filter();
            case "with" -> with();
            case "generation" -> generation();
            case "break" -> leap(tag, Flow.BREAK);
            case "continue" -> leap(tag, Flow.CONTINUE);
            default ->
                    throw TemplateError.at(
                            tag.line(), "the tag \"" + tag.text() + "\" is not known here");
        };
    }

    private Statement condition() {
        Node test = expressions.tuple(false);
        end();
        Statement then = body(Set.of("elif", "else", "endif"));
        String next = tokens.name();
        Statement otherwise;
        if (next.equals("elif")) {
            otherwise = condition();
        } else if (next.equals("else")) {
            end();
            otherwise = bodyTo("endif");
        } else {
            end();
            otherwise = f -> Flow.ON;
        }
        return f -> Values.truth(test.in(f)) ? then.run(f) : otherwise.run(f);
    }

    private Statement loop() {
        Targets targets = Targets.parse(tokens);
        tokens.needName("in");
        Node over = expressions.tuple(false);
        Optional<Node> test =
                tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        if (tokens.isName("recursive"))
            throw tokens.unexpected("\"%}\" (recursive loops are not supported)");
        end();
        loops++;
        Statement body = body(Set.of("else", "endfor"));
        loops--;
        boolean hasElse = tokens.isName("else");
        tokens.next();
        end();
        Statement otherwise = hasElse ? bodyTo("endfor") : f -> Flow.ON;
        return f -> {
            List<Object> items = chosen(Values.iterate(over.in(f)), targets, test, f);
            if (items.isEmpty()) return otherwise.run(f.inner());
            var loop = new Loop(items);
            for (Object item : items) {
                f.step();
                Frame inner = f.inner();
                inner.set("loop", loop);
                targets.set(inner, item);
                if (body.run(inner) == Flow.BREAK) break;
                loop.index++;
            }
            return Flow.ON;
        };
    }

    private static List<Object> chosen(
            List<Object> items, Targets targets, Optional<Node> test, Frame f) {
        if (test.isEmpty()) return items;
        var out = new ArrayList<Object>();
        for (Object item : items) {
            f.step();
            Frame inner = f.inner();
            targets.set(inner, item);
            if (Values.truth(test.get().in(inner))) out.add(item);
        }
        return out;
    }

    private Statement leap(Token tag, Flow flow) {
        if (loops == 0)
            throw TemplateError.at(tag.line(), "\"" + tag.text() + "\" outside of a loop");
        end();
        return f -> flow;
    }

    private Statement assignment() {
        Targets targets = Targets.parse(tokens);
        if (tokens.skipOperator("=")) {
            Node value = expressions.tuple(true);
            end();
            return f -> {
                targets.set(f, value.in(f));
                return Flow.ON;
            };
        }
        Node text = f -> f.get("");
        while (tokens.skipOperator("|")) text = expressions.operands().filter(text);
        Node value = text;
        end();
        Statement body = outsideLoops("endset");
        return f -> {
            Frame inner = f.capture();
            body.run(inner);
            inner.set("", inner.written());
            targets.set(f, value.in(inner));
            return Flow.ON;
        };
    }

    /** A body that "break" cannot leave. */
    private Statement outsideLoops(String end) {
        int before = loops;
        loops = 0;
        Statement body = bodyTo(end);
        loops = before;
        return body;
    }

    private Statement macro() {
        String name = tokens.name();
        Macro.Parameters parameters = Macro.Parameters.parse(tokens, expressions);
        end();
        Statement body = outsideLoops("endmacro");
        return f -> {
            f.set(name, new Macro(name, parameters, body, f));
            return Flow.ON;
        };
    }

    private Statement call() {
        Macro.Parameters parameters =
                tokens.isOperator("(")
                        ? Macro.Parameters.parse(tokens, expressions)
                        : Macro.Parameters.NONE;
        String callee = tokens.now().shown();
        Node of = f -> f.get("");
        Node called = expressions.operands().called(of);
        end();
        Statement body = outsideLoops("endcall");
        return f -> {
            Frame inner = f.inner();
            inner.set("", new Macro(callee, parameters, body, f));
            f.write(Values.text(called.in(inner)));
            return Flow.ON;
        };
    }

    private Statement filter() {
        Node value = expressions.operands().filter(f -> f.get(""));
        while (tokens.skipOperator("|")) value = expressions.operands().filter(value);
        Node filtered = value;
        end();
        Statement body = outsideLoops("endfilter");
        return f -> {
            Frame inner = f.capture();
            body.run(inner);
            inner.set("", inner.written());
            f.write(Values.text(filtered.in(inner)));
            return Flow.ON;
        };
    }

    private Statement with() {
        var targets = new ArrayList<Targets>();
        var values = new ArrayList<Node>();
        while (tokens.now().kind() != Kind.BLOCK_END) {
            if (!targets.isEmpty()) tokens.needOperator(",");
            targets.add(Targets.parse(tokens));
            tokens.needOperator("=");
            values.add(expressions.expression());
        }
        end();
        Statement body = bodyTo("endwith");
        return f -> {
            Frame inner = f.inner();
            for (int i = 0; i < values.size(); i++) targets.get(i).set(inner, values.get(i).in(f));
            return body.run(inner);
        };
    }

    /** Marks the assistant's text for training elsewhere; here its text alone counts. */
    private Statement generation() {
        end();
        Statement body = outsideLoops("endgeneration");
        return f -> body.run(f.inner());
    }
}
