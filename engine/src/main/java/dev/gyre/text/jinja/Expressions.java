package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Token.Kind;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BinaryOperator;

/** Reads expressions; the levels of precedence are jinja2's, loosest first. */
final class Expressions {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private static final int MOST_DEPTH = 300;

    private final Tokens tokens;
    private final Operands operands;
    private int depth;

    Expressions(Tokens tokens) {
        this.tokens = tokens;
        this.operands = new Operands(tokens, this);
    }

    /** What is left when all operators are read. */
    Operands operands() {
        return operands;
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
            boolean operator = t.kind() == Kind.OPERATOR && COMPARISONS.contains(t.text());
            if (operator || tokens.isName("in")) {
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
            return f.made(operator.apply(a, right.in(f)));
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
            value = operands.primary();
        }
        value = operands.postfix(value);
        if (withFilters) value = operands.filters(value);
        depth--;
        return value;
    }

    static List<Object> all(List<Node> nodes, Frame f) {
        var out = new ArrayList<Object>(nodes.size());
        for (Node node : nodes) out.add(node.in(f));
        return out;
    }
}
