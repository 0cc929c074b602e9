package dev.gyre.text.jinja;

import org.jspecify.annotations.Nullable;

import java.util.Map;

/**
 * A template, read once and rendered any number of times, by any number of threads. It can reach
 * nothing but the values it is given, and it comes to an end: steps, nesting and text are bounded.
 */
public final class Template {
    private final Node.Statement body;

    private Template(Node.Statement body) {
        this.body = body;
    }

    /**
     * Reads a template.
     *
     * @throws TemplateError when it is broken or uses what is not known here
     */
    public static Template parse(String source) {
        try {
            return new Template(Parser.parse(source));
        } catch (StackOverflowError e) {
            throw new TemplateError("the template is nested too deeply");
        }
    }

    /**
     * Renders it.
     *
     * @param values names to strings, numbers, booleans, nulls, and lists and maps of these
     * @throws TemplateError when it raises or cannot go on
     */
    public String render(Map<String, ? extends @Nullable Object> values) {
        Frame frame = Frame.outermost();
        values.forEach((name, value) -> frame.set(name, Values.of(value)));
        try {
            body.run(frame);
        } catch (StackOverflowError e) {
            throw new TemplateError("the template is nested too deeply");
        }
        return frame.written();
    }
}
