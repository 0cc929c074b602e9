package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Values.Namespace;

import java.util.ArrayList;
import java.util.List;

/**
 * What a value is assigned to: a name, an attribute of a namespace, or several of them.
 *
 * @param several whether a value is taken apart, even for one target ({@code a, = …})
 */
record Targets(List<Target> targets, boolean several) {
    /** A name; with an attribute when that is not empty. */
    record Target(String name, String attribute) {}

    static Targets parse(Tokens tokens) {
        boolean parentheses = tokens.skipOperator("(");
        var targets = new ArrayList<Target>();
        boolean comma = false;
        do {
            if (!targets.isEmpty() && tokens.now().kind() != Token.Kind.NAME) break;
            String name = tokens.name();
            targets.add(new Target(name, tokens.skipOperator(".") ? tokens.name() : ""));
            comma |= tokens.isOperator(",");
        } while (tokens.skipOperator(","));
        if (parentheses) tokens.needOperator(")");
        return new Targets(targets, comma);
    }

    void set(Frame frame, Object value) {
        if (!several) {
            set(frame, targets.getFirst(), value);
            return;
        }
        List<Object> values = Values.iterate(value);
        if (values.size() != targets.size())
            throw new TemplateError(
                    "%d values for %d names".formatted(values.size(), targets.size()));
        for (int i = 0; i < values.size(); i++) set(frame, targets.get(i), values.get(i));
    }

    private static void set(Frame frame, Target target, Object value) {
        if (target.attribute.isEmpty()) {
            frame.set(target.name, value);
        } else if (frame.get(target.name) instanceof Namespace(var attributes)) {
            attributes.put(target.attribute, value);
        } else {
            throw new TemplateError("cannot assign attribute on non-namespace object");
        }
    }
}
