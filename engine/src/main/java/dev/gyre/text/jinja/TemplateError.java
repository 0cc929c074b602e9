package dev.gyre.text.jinja;

import dev.gyre.config.UserError;

/**
 * A template that cannot be read or rendered, or that raised; the message is the template's own
 * where it raised.
 */
public final class TemplateError extends UserError {
    private static final long serialVersionUID = 1L;

    TemplateError(String message) {
        super(message);
    }

    static TemplateError at(int line, String message) {
        return new TemplateError("line " + line + ": " + message);
    }
}
