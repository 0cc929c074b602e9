package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Token.Kind;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BinaryOperator;

/** Reads expressions; the levels of precedence are jinja2's, loosest first. */
final class Expressions {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    /** Names after which a test has no argument without parentheses. */
    private static final Set<String> NO_ARGUMENT =
            Set.of("else", "or", "and", "if", "in", "not", "is");

    private static final int MOST_DEPTH = 300;

    private final Tokens tokens;
    private int depth;

    Expressions(Tokens tokens) {
        this.tokens = tokens;
    }

    Node expression() {
        if (++depth > MOST_DEPTH)
            throw TemplateError.at(tokens.now().line(), "an expression is nested too deeply");
        Node value = or();
        while (tokens.skipName("if")) {
            Node then = value;
            Node test = or();
            Node otherwise =
                    tokens.skipName("else")
                            ? expression()
                            : f ->
                                    new Values.Undefined(
                                            "the inline if-expression evaluated to false and no"
                                                    + " else is given");
            value = f -> Values.truth(test.in(f)) ? then.in(f) : otherwise.in(f);
        }
        depth--;
        return value;
    }

    /** One expression, or several with commas between, which make a tuple. */
    Node tuple(boolean withCondition) {
        var items = new ArrayList<Node>();
        items.add(withCondition ? expression() : or());
        boolean comma = false;
        while (tokens.skipOperator(",")) {
            comma = true;
            if (tokens.now().kind() == Kind.BLOCK_END
                    || tokens.now().kind() == Kind.PRINT_END
                    || tokens.isOperator(")")) break;
            items.add(withCondition ? expression() : or());
        }
        return comma ? f -> new Values.Tuple(all(items, f)) : items.getFirst();
    }

    Node or() {
        Node left = and();
        while (tokens.skipName("or")) {
            Node a = left;
            Node b = and();
            left =
                    f -> {
                        Object value = a.in(f);
                        return Values.truth(value) ? value : b.in(f);
                    };
        }
        return left;
    }

    private Node and() {
        Node left = not();
        while (tokens.skipName("and")) {
            Node a = left;
            Node b = not();
            left =
                    f -> {
                        Object value = a.in(f);
                        return Values.truth(value) ? b.in(f) : value;
                    };
        }
        return left;
    }

    private Node not() {
        int negations = 0;
        while (tokens.skipName("not")) negations++;
        Node value = comparison();
        if (negations == 0) return value;
        boolean wanted = negations % 2 == 0;
        return f -> Values.truth(value.in(f)) == wanted;
    }

    private Node comparison() {
        Node first = sum();
        var operators = new ArrayList<String>();
        var others = new ArrayList<Node>();
        while (true) {
            Token t = tokens.now();
            if (t.kind() == Kind.OPERATOR && COMPARISONS.contains(t.text())
                    || tokens.isName("in")) {
                operators.add(tokens.next().text());
            } else if (tokens.isName("not") && tokens.ahead().is(Kind.NAME, "in")) {
                tokens.next();
                tokens.next();
                operators.add("not in");
            } else {
                break;
            }
            others.add(sum());
        }
        if (operators.isEmpty()) return first;
        return f -> {
            Object left = first.in(f);
            for (int i = 0; i < operators.size(); i++) {
                Object right = others.get(i).in(f);
                if (!Operators.holds(operators.get(i), left, right)) return false;
                left = right;
            }
            return true;
        };
    }

    private Node sum() {
        Node left = concatenation();
        while (tokens.isOperator("+") || tokens.isOperator("-")) {
            String operator = tokens.next().text();
            left = binary(left, concatenation(), (a, b) -> Operators.apply(operator, a, b));
        }
        return left;
    }

    private Node concatenation() {
        Node left = product();
        while (tokens.skipOperator("~"))
            left = binary(left, product(), (a, b) -> Values.text(a) + Values.text(b));
        return left;
    }

    private Node product() {
        Node left = power();
        while (tokens.isOperator("*")
                || tokens.isOperator("/")
                || tokens.isOperator("//")
                || tokens.isOperator("%")) {
            String operator = tokens.next().text();
            left = binary(left, power(), (a, b) -> Operators.apply(operator, a, b));
        }
        return left;
    }

    private Node power() {
        Node left = unary(true);
        while (tokens.skipOperator("**"))
            left = binary(left, unary(true), (a, b) -> Operators.apply("**", a, b));
        return left;
    }

    private static Node binary(Node left, Node right, BinaryOperator<Object> operator) {
        return f -> {
            Object a = left.in(f);
            return operator.apply(a, right.in(f));
        };
    }

    private Node unary(boolean withFilters) {
        if (++depth > MOST_DEPTH)
            throw TemplateError.at(tokens.now().line(), "an expression is nested too deeply");
        Node value;
        if (tokens.skipOperator("-")) {
            Node of = unary(false);
            value = f -> Operators.negate(of.in(f));
        } else if (tokens.skipOperator("+")) {
            Node of = unary(false);
            value = f -> Numbers.arithmetic("+", 0L, of.in(f));
        } else {
            value = primary();
        }
        value = postfix(value);
        if (withFilters) value = filters(value);
        depth--;
        return value;
    }

    private Node primary() {
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
            Node inner = tuple(true);
            tokens.needOperator(")");
            return inner;
        }
        if (t.is(Kind.OPERATOR, "[")) {
            List<Node> items = list("]");
            return f -> all(items, f);
        }
        if (t.is(Kind.OPERATOR, "{")) return map();
        throw TemplateError.at(t.line(), "a value is wanted, not " + t.shown());
    }

    private List<Node> list(String end) {
        var items = new ArrayList<Node>();
        while (!tokens.skipOperator(end)) {
            items.add(expression());
            if (!tokens.isOperator(end)) tokens.needOperator(",");
        }
        return items;
    }

    private Node map() {
        var keys = new ArrayList<Node>();
        var values = new ArrayList<Node>();
        while (!tokens.skipOperator("}")) {
            keys.add(expression());
            tokens.needOperator(":");
            values.add(expression());
            if (!tokens.isOperator("}")) tokens.needOperator(",");
        }
        return f -> {
            var out = new LinkedHashMap<Object, Object>();
            for (int i = 0; i < keys.size(); i++)
                out.put(Values.key(keys.get(i).in(f)), values.get(i).in(f));
            return out;
        };
    }

    static List<Object> all(List<Node> nodes, Frame f) {
        var out = new ArrayList<Object>(nodes.size());
        for (Node node : nodes) out.add(node.in(f));
        return out;
    }

    private Node postfix(Node start) {
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
        Optional<Node> from = tokens.isOperator(":") ? Optional.empty() : Optional.of(tuple(true));
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
                : Optional.of(expression());
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
                named.put(name, expression());
            } else {
                if (!named.isEmpty()) throw tokens.unexpected("a named argument");
                positional.add(expression());
            }
            if (!tokens.isOperator(")")) tokens.needOperator(",");
        }
        return f -> {
            var values = new LinkedHashMap<String, Object>();
            List<Object> first = all(positional, f);
            named.forEach((name, node) -> values.put(name, node.in(f)));
            return new Arguments(first, values);
        };
    }

    private Node filters(Node start) {
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
        return f -> Filters.apply(name, of.in(f), call.in(f), line);
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
