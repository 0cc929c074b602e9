package dev.gyre.text.jinja;

/**
 * A piece of a template.
 *
 * @param text what it says: for a string its value, escapes resolved; for text the text to write
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        TEXT,
        BLOCK_BEGIN,
        BLOCK_END,
        PRINT_BEGIN,
        PRINT_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        END
    }

    boolean is(Kind kind, String text) {
        return this.kind == kind && this.text.equals(text);
    }

    /** For messages. */
    String shown() {
        return switch (kind) {
            case END -> "the end of the template";
            case BLOCK_END -> "\"%}\"";
            case PRINT_END -> "\"}}\"";
            default -> "\"" + text + "\"";
        };
    }
}
