package dev.gyre.compare.report;

import dev.gyre.compare.Confidence;
import dev.gyre.compare.Measure;
import dev.gyre.compare.Plan;

import java.util.List;
import java.util.Locale;

/** Numbers as the report writes them. */
final class Figures {
    private Figures() {}

    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    /** A measure's value: a loss, a share, or a factor on the perplexity as a percentage. */
    static String value(Measure measure, double value) {
        return switch (measure) {
            case HELD_OUT -> format("%.3f", value);
            case EXACT -> format("%.1f %%", 100 * value);
            case FORGETTING -> change(value);
        };
    }

    /** A value with the ends of its interval, where there is one, as far as there are values. */
    static String interval(Measure measure, Confidence c) {
        String mean = value(measure, c.mean());
        if (Double.isInfinite(c.error())) return mean;
        double low = measure == Measure.FORGETTING ? c.low() : Math.max(0, c.low());
        double high = measure == Measure.EXACT ? Math.min(1, c.high()) : c.high();
        return mean + " (" + value(measure, low) + " to " + value(measure, high) + ")";
    }

    /** A rise of the logarithm as a change of the thing itself: {@code +3.1 %}. */
    static String change(double rise) {
        double percent = 100 * Math.expm1(rise);
        if (percent >= 1000) return format("×%.0f", Math.exp(rise));
        return format(Math.abs(percent) < 9.95 ? "%+.1f %%" : "%+.0f %%", percent);
    }

    static String rate(double rate) {
        return Double.isNaN(rate) ? "none" : Plan.shortly(rate);
    }

    static String bytes(long bytes) {
        if (bytes >= 1_000_000_000) return format("%.2f GB", bytes / 1e9);
        if (bytes >= 1_000_000) return format("%.1f MB", bytes / 1e6);
        return format("%.1f kB", bytes / 1e3);
    }

    static String count(long n) {
        return format("%,d", n);
    }

    static String seconds(double seconds) {
        return format(seconds < 10 ? "%.2f s" : "%.0f s", seconds);
    }

    /** {@code a, b and c}. */
    static String list(List<String> words) {
        if (words.size() < 2) return String.join("", words);
        return String.join(", ", words.subList(0, words.size() - 1)) + " and " + words.getLast();
    }
}
