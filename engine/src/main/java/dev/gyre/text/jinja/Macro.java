package dev.gyre.text.jinja;

import dev.gyre.text.jinja.Node.Statement;
import dev.gyre.text.jinja.Values.Tuple;
import dev.gyre.text.jinja.Values.Undefined;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Statements that are called with arguments and give text. */
record Macro(String name, Parameters parameters, Statement body, Frame home)
        implements Values.Function {
    /** Names, each perhaps with a value for when none is given. */
    record Parameters(Map<String, Optional<Node>> defaults) {
        static final Parameters NONE = new Parameters(Map.of());

        static Parameters parse(Tokens tokens, Expressions expressions) {
            tokens.needOperator("(");
            var out = new LinkedHashMap<String, Optional<Node>>();
            while (!tokens.skipOperator(")")) {
                String name = tokens.name();
                out.put(
                        name,
                        tokens.skipOperator("=")
                                ? Optional.of(expressions.expression())
                                : Optional.empty());
                if (!tokens.isOperator(")")) tokens.needOperator(",");
            }
            return new Parameters(out);
        }
    }

    @Override
    public Object call(Arguments arguments) {
        Frame frame = home.capture();
        frame.enter();
        frame.step();
        List<String> names = new ArrayList<>(parameters.defaults.keySet());
        for (int i = 0; i < names.size(); i++) {
            String parameter = names.get(i);
            Optional<Object> given = arguments.get(i, parameter);
            if (given.isEmpty())
                given =
                        parameters
                                .defaults
                                .getOrDefault(parameter, Optional.empty())
                                .map(node -> node.in(frame));
            frame.set(
                    parameter,
                    given.orElseGet(
                            () -> new Undefined("parameter '" + parameter + "' was not provided")));
        }
        surplus(arguments, names, frame);
        body.run(frame);
        frame.leave();
        return frame.written();
    }

    private void surplus(Arguments arguments, List<String> names, Frame frame) {
        var more = new LinkedHashMap<Object, Object>(arguments.named());
        names.forEach(more::remove);
        Object caller = more.remove("caller");
        if (caller != null) frame.set("caller", caller);
        frame.set("kwargs", more);
        int size = arguments.size();
        frame.set(
                "varargs",
                new Tuple(
                        size > names.size()
                                ? arguments.positional().subList(names.size(), size)
                                : List.of()));
    }
}
