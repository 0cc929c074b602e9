package dev.gyre.data;

/**
 * What a row may be without being an error.
 *
 * @param cutOff longer than the context: its end is cut
 * @param noAnswer without a token to learn: it is left out
 * @param unknownKey with a key that its format does not know: the key is ignored
 * @param badLine not JSON: it is left out
 */
public record Allowances(boolean cutOff, boolean noAnswer, boolean unknownKey, boolean badLine) {
    public static final Allowances NONE = new Allowances(false, false, false, false);
}
