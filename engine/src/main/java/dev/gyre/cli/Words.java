package dev.gyre.cli;

import java.time.Duration;
import java.util.Locale;

/** Numbers as a person reads them. */
final class Words {
    private Words() {}

    /** As {@code String.format}, with a point in every country. */
    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    /** Seconds with a fraction. */
    static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    /** {@code 0:07}, {@code 12:03}, {@code 1:02:03}. */
    static String clock(Duration duration) {
        long s = Math.max(0, Math.round(seconds(duration)));
        return s < 3600
                ? "%d:%02d".formatted(s / 60, s % 60)
                : "%d:%02d:%02d".formatted(s / 3600, s / 60 % 60, s % 60);
    }

    /** {@code 94.3 MB}, {@code 1.8 GB}. */
    static String bytes(long bytes) {
        if (bytes < 1000) return bytes + " B";
        String[] units = {"kB", "MB", "GB", "TB"};
        double value = bytes / 1000.0;
        int unit = 0;
        while (value >= 999.95 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
    }

    /** {@code 1,234,567}. */
    static String count(long n) {
        return String.format(Locale.ROOT, "%,d", n);
    }

    /** A loss with so many digits as matter. */
    static String loss(double loss) {
        return String.format(Locale.ROOT, loss < 0.0995 ? "%.2g" : "%.3f", loss);
    }

    /** A share as {@code 97.5 %}. */
    static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
