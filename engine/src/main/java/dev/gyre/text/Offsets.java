package dev.gyre.text;

import ai.djl.huggingface.tokenizers.jni.CharSpan;

import org.jspecify.annotations.Nullable;

/** Places in code points, as the native library counts, to places in Java's {@code char}s. */
final class Offsets {
    private Offsets() {}

    static Encoding inChars(String text, int[] ids, @Nullable CharSpan[] spans) {
        int points = text.codePointCount(0, text.length());
        boolean same = points == text.length();
        int[] charOf = same ? new int[0] : table(text, points);
        int[] starts = new int[ids.length];
        int[] ends = new int[ids.length];
        int last = 0;
        for (int i = 0; i < ids.length; i++) {
            CharSpan span = spans[i];
            if (span == null) {
                starts[i] = last;
            } else {
                starts[i] = same ? span.getStart() : charOf[span.getStart()];
                last = same ? span.getEnd() : charOf[span.getEnd()];
            }
            ends[i] = last;
        }
        return new Encoding(ids, starts, ends);
    }

    private static int[] table(String text, int points) {
        int[] charOf = new int[points + 1];
        int at = 0;
        for (int p = 0; p < points; p++) {
            charOf[p] = at;
            at += Character.charCount(text.codePointAt(at));
        }
        charOf[points] = at;
        return charOf;
    }

    /**
     * The text with U+FFFD for each half of a surrogate pair that stands alone: UTF-8 cannot hold
     * it.
     */
    static String wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (!Character.isSurrogate(text.charAt(i))) continue;
            if (Character.isSupplementaryCodePoint(text.codePointAt(i))) i++;
            else return repaired(text);
        }
        return text;
    }

    private static String repaired(String text) {
        var out = new StringBuilder(text.length());
        text.codePoints()
                .forEach(p -> out.appendCodePoint(p >= 0xD800 && p <= 0xDFFF ? 0xFFFD : p));
        return out.toString();
    }
}
