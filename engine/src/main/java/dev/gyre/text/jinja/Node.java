package dev.gyre.text.jinja;

/** A compiled expression. */
@FunctionalInterface
interface Node {
    Object in(Frame frame);

    /** The compiled arguments of a call. */
    @FunctionalInterface
    interface Call {
        Arguments in(Frame frame);
    }

    /** A compiled statement. */
    @FunctionalInterface
    interface Statement {
        Flow run(Frame frame);
    }

    /** Where a statement leads. */
    enum Flow {
        ON,
        BREAK,
        CONTINUE
    }
}
