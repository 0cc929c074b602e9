package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Token.Kind;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads what operators stand between: values, and what follows them: members, calls, filters and
 * tests.
 */
final class Operands {
    /** Names after which a test has no argument without parentheses. */
    private static final Set<String> NO_ARGUMENT =
            Set.of("else", "or", "and", "if", "in", "not", "is");

    private final Tokens tokens;
    private final Expressions expressions;

    Operands(Tokens tokens, Expressions expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    Node primary() {
        Token t = tokens.next();
        switch (t.kind()) {
            case NAME -> {
                Object constant =
                        switch (t.text()) {
                            case "true", "True" -> true;
                            case "false", "False" -> false;
                            case "none", "None" -> Values.NONE;
                            default -> t;
                        };
                return constant == t ? f -> f.get(t.text()) : f -> constant;
            }
            case STRING -> {
                var text = new StringBuilder(t.text());
                while (tokens.now().kind() == Kind.STRING) text.append(tokens.next().text());
                String whole = text.toString();
                return f -> whole;
            }
            case INTEGER -> {
                long number = Operators.parse(t);
                return f -> number;
            }
            case FLOAT -> {
                double number = Double.parseDouble(t.text());
                return f -> number;
            }
            default -> {}
        }
        if (t.is(Kind.OPERATOR, "(")) {
            if (tokens.skipOperator(")")) return f -> new Values.Tuple(List.of());
            Node inner = expressions.tuple(true);
            tokens.needOperator(")");
            return inner;
        }
        if (t.is(Kind.OPERATOR, "[")) {
            List<Node> items = list("]");
            return f -> Expressions.all(items, f);
        }
        if (t.is(Kind.OPERATOR, "{")) return map();
        throw TemplateError.at(t.line(), "a value is wanted, not " + t.shown());
    }

    private List<Node> list(String end) {
        var items = new ArrayList<Node>();
        while (!tokens.skipOperator(end)) {
            items.add(expressions.expression());
            if (!tokens.isOperator(end)) tokens.needOperator(",");
        }
        return items;
    }

    private Node map() {
        var keys = new ArrayList<Node>();
        var values = new ArrayList<Node>();
        while (!tokens.skipOperator("}")) {
            keys.add(expressions.expression());
            tokens.needOperator(":");
            values.add(expressions.expression());
            if (!tokens.isOperator("}")) tokens.needOperator(",");
        }
        return f -> {
            var out = new LinkedHashMap<Object, Object>();
            for (int i = 0; i < keys.size(); i++)
                out.put(Values.key(keys.get(i).in(f)), values.get(i).in(f));
            return out;
        };
    }

    Node postfix(Node start) {
        Node value = start;
        while (true) {
            Node of = value;
            if (tokens.skipOperator(".")) {
                if (tokens.now().kind() == Kind.INTEGER) {
                    long at = Operators.parse(tokens.next());
                    value = f -> Members.item(of.in(f), at);
                } else {
                    String name = tokens.name();
                    value = f -> Members.attribute(of.in(f), name);
                }
            } else if (tokens.skipOperator("[")) {
                value = subscript(of);
            } else if (tokens.isOperator("(")) {
                Node.Call call = arguments();
                value = f -> Operators.call(of.in(f), call.in(f), f);
            } else {
                return value;
            }
        }
    }

    private Node subscript(Node of) {
        Optional<Node> from =
                tokens.isOperator(":") ? Optional.empty() : Optional.of(expressions.tuple(true));
        if (tokens.skipOperator("]")) {
            Node key = from.orElseThrow(() -> tokens.unexpected("a key"));
            return f -> Members.item(of.in(f), key.in(f));
        }
        tokens.needOperator(":");
        Optional<Node> to = bound();
        Optional<Node> by = tokens.skipOperator(":") ? bound() : Optional.empty();
        tokens.needOperator("]");
        return f ->
                Members.slice(
                        of.in(f),
                        from.map(n -> n.in(f)),
                        to.map(n -> n.in(f)),
                        by.map(n -> n.in(f)));
    }

    private Optional<Node> bound() {
        return tokens.isOperator(":") || tokens.isOperator("]")
                ? Optional.empty()
                : Optional.of(expressions.expression());
    }

    /** A call to which a caller is handed besides what stands in its parentheses. */
    Node called(Node caller) {
        String name = tokens.name();
        Node of = f -> f.get(name);
        while (tokens.skipOperator(".")) {
            Node whole = of;
            String member = tokens.name();
            of = f -> Members.attribute(whole.in(f), member);
        }
        Node callee = of;
        Node.Call call = arguments();
        return f -> {
            Arguments given = call.in(f);
            var named = new LinkedHashMap<>(given.named());
            named.put("caller", caller.in(f));
            return Operators.call(callee.in(f), new Arguments(given.positional(), named), f);
        };
    }

    /** What stands in the parentheses of a call. */
    Node.Call arguments() {
        tokens.needOperator("(");
        var positional = new ArrayList<Node>();
        Map<String, Node> named = new LinkedHashMap<>();
        while (!tokens.skipOperator(")")) {
            if (tokens.now().kind() == Kind.NAME && tokens.ahead().is(Kind.OPERATOR, "=")) {
                String name = tokens.name();
                tokens.next();
                named.put(name, expressions.expression());
            } else {
                if (!named.isEmpty()) throw tokens.unexpected("a named argument");
                positional.add(expressions.expression());
            }
            if (!tokens.isOperator(")")) tokens.needOperator(",");
        }
        return f -> {
            var values = new LinkedHashMap<String, Object>();
            List<Object> first = Expressions.all(positional, f);
            named.forEach((name, node) -> values.put(name, node.in(f)));
            return new Arguments(first, values);
        };
    }

    Node filters(Node start) {
        Node value = start;
        while (true) {
            if (tokens.skipOperator("|")) {
                value = filter(value);
            } else if (tokens.skipName("is")) {
                value = test(value);
            } else if (tokens.isOperator("(")) {
                Node of = value;
                Node.Call call = arguments();
                value = f -> Operators.call(of.in(f), call.in(f), f);
            } else {
                return value;
            }
        }
    }

    Node filter(Node of) {
        int line = tokens.now().line();
        String name = tokens.name();
        Node.Call call = tokens.isOperator("(") ? arguments() : f -> Arguments.NONE;
        return f -> f.made(Filters.apply(name, of.in(f), call.in(f), line));
    }

    private Node test(Node of) {
        boolean negated = tokens.skipName("not");
        Token t = tokens.now();
        String name = tokens.name();
        Node.Call call;
        if (tokens.isOperator("(")) {
            call = arguments();
        } else if (argumentFollows()) {
            Node argument = postfix(primary());
            call = f -> new Arguments(List.of(argument.in(f)), Map.of());
        } else {
            call = f -> Arguments.NONE;
        }
        return f -> Tests.holds(name, of.in(f), call.in(f), t.line()) != negated;
    }

    private boolean argumentFollows() {
        Token t = tokens.now();
        return switch (t.kind()) {
            case NAME -> !NO_ARGUMENT.contains(t.text());
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> t.text().equals("[") || t.text().equals("{");
            default -> false;
        };
    }
}
