package dev.gyre.text.jinja;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Where a piece of a template runs: names seen from here, and where text goes. */
final class Frame {
    /** Bounds for templates that would not end, or fill the memory. */
    private static final int MOST_STEPS = 20_000_000;

    private static final int MOST_TEXT = 1 << 26;

    /** Characters and items that operators, filters and calls may make in all. */
    private static final long MOST_MADE = 1L << 28;

    private static final int MOST_DEPTH = 200;

    /** What all frames of one rendering share. */
    private static final class Run {
        int steps;
        int depth;
        long made;
    }

    private final Map<String, Object> names = new HashMap<>();
    private final @Nullable Frame outer;
    private final Run run;
    private final StringBuilder out;

    private Frame(@Nullable Frame outer, Run run, StringBuilder out) {
        this.outer = outer;
        this.run = run;
        this.out = out;
    }

    static Frame outermost() {
        return new Frame(null, new Run(), new StringBuilder());
    }

    /** Names set inside are not seen outside. */
    Frame inner() {
        return new Frame(this, run, out);
    }

    /** As {@link #inner}, with its text kept apart. */
    Frame capture() {
        return new Frame(this, run, new StringBuilder());
    }

    void set(String name, Object value) {
        names.put(name, value);
    }

    Object get(String name) {
        for (Frame f = this; f != null; f = f.outer) {
            Object value = f.names.get(name);
            if (value != null) return value;
        }
        Object builtin = Builtins.FUNCTIONS.get(name);
        return builtin == null ? new Values.Undefined("'" + name + "' is undefined") : builtin;
    }

    void write(String text) {
        if (out.length() + text.length() > MOST_TEXT)
            throw new TemplateError("the template writes more than 64 MiB");
        out.append(text);
    }

    String written() {
        return out.toString();
    }

    /** A value that was made here, counted. */
    Object made(Object value) {
        run.made +=
                switch (value) {
                    case String s -> s.length();
                    case List<?> list -> list.size();
                    case Map<?, ?> map -> map.size();
                    default -> 1;
                };
        if (run.made > MOST_MADE) throw new TemplateError("the template makes too much text");
        return value;
    }

    /** Refuses one text that grows beyond all measure. */
    static void fits(long length) {
        if (length > MOST_TEXT) throw new TemplateError("a text grows beyond 64 MiB");
    }

    void step() {
        if (++run.steps > MOST_STEPS)
            throw new TemplateError("the template does not come to an end");
    }

    void enter() {
        if (++run.depth > MOST_DEPTH) throw new TemplateError("macros call each other too deeply");
    }

    void leave() {
        run.depth--;
    }
}
