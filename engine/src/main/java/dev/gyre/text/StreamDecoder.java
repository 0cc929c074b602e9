package dev.gyre.text;

import java.util.Arrays;

/**
 * Text from tokens that come one at a time. What {@link #push} returns is certain: no later token
 * changes it, and no character comes in halves. All pieces and the flush, joined, are the text of
 * all tokens. Not for use by several threads at once.
 */
public final class StreamDecoder {
    /** What an incomplete or invalid byte sequence becomes. */
    private static final char REPLACEMENT = '\uFFFD';

    /**
     * Ids kept as context once the window is shortened: decoders treat the first token of a text
     * differently.
     */
    private static final int CONTEXT = 4;

    private static final int WINDOW = 24;

    /**
     * An unfinished character has at most three bytes; a longer run of replacements is certain up
     * to these.
     */
    private static final int UNFINISHED = 3;

    private final Tokenizer tokenizer;
    private final boolean skipSpecial;
    private int[] window = new int[WINDOW * 2];
    private int length;
    private String said = "";

    StreamDecoder(Tokenizer tokenizer, boolean skipSpecial) {
        this.tokenizer = tokenizer;
        this.skipSpecial = skipSpecial;
    }

    /** The text that has become certain with this token; often empty. */
    public String push(int id) {
        if (length == window.length) window = Arrays.copyOf(window, length * 2);
        window[length++] = id;
        String text = text(0);
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == REPLACEMENT) end--;
        boolean waits = end < text.length();
        if (text.length() - end > WINDOW) end = text.length() - UNFINISHED;
        // A decoder that falls back to bytes takes back a character while the next one is
        // incomplete.
        if (!text.startsWith(said) || end <= said.length()) return "";
        String piece = text.substring(said.length(), end);
        said = text.substring(0, end);
        if (!waits && length > WINDOW) shorten();
        return piece;
    }

    /**
     * What is left, with replacement characters for bytes that never became a character; begins a
     * new text.
     */
    public String flush() {
        String text = text(0);
        String piece = text.startsWith(said) ? text.substring(said.length()) : "";
        length = 0;
        said = "";
        return piece;
    }

    private void shorten() {
        String context = text(length - CONTEXT);
        if (context.isEmpty()) return; // only special tokens: no context for what follows
        System.arraycopy(window, length - CONTEXT, window, 0, CONTEXT);
        length = CONTEXT;
        said = context;
    }

    private String text(int from) {
        return tokenizer.decode(Arrays.copyOfRange(window, from, length), skipSpecial);
    }
}
