package dev.gyre.compare;

/** Student's t distribution with any positive number of degrees of freedom. */
final class StudentT {
    private StudentT() {}

    /** P(|T| > |t|): how likely so large a value is by chance. */
    static double twoSided(double t, double freedom) {
        return beta(freedom / 2, 0.5, freedom / (freedom + t * t));
    }

    /** The t that |T| exceeds with this probability. */
    static double beyond(double probability, double freedom) {
        double low = 0;
        double high = 1;
        while (twoSided(high, freedom) > probability) high *= 2;
        for (int i = 0; i < 200 && high - low > 1e-12 * high; i++) {
            double middle = (low + high) / 2;
            if (twoSided(middle, freedom) > probability) low = middle;
            else high = middle;
        }
        return (low + high) / 2;
    }

    /**
     * The regularised incomplete beta function I_x(a, b), by its continued fraction (NIST Digital
     * Library of Mathematical Functions, 8.17.22), which converges fast for x &lt; (a+1)/(a+b+2).
     */
    private static double beta(double a, double b, double x) {
        if (x <= 0) return 0;
        if (x >= 1) return 1;
        if (x > (a + 1) / (a + b + 2)) return 1 - beta(b, a, 1 - x);
        double front =
                Math.exp(
                                logGamma(a + b)
                                        - logGamma(a)
                                        - logGamma(b)
                                        + a * Math.log(x)
                                        + b * Math.log1p(-x))
                        / a;
        return front / fraction(a, b, x);
    }

    /** 1 + d₁x/(1 + d₂x/(1 + …)), by Lentz's method. */
    private static double fraction(double a, double b, double x) {
        double tiny = 1e-300;
        double f = 1;
        double c = 1;
        double d = 0;
        for (int n = 1; n < 10_000; n++) {
            int m = n / 2;
            double term =
                    n % 2 == 0
                            ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                            : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 + term * d;
            d = 1 / (Math.abs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            if (Math.abs(c) < tiny) c = tiny;
            double change = c * d;
            f *= change;
            if (Math.abs(change - 1) < 1e-15) return f;
        }
        throw new IllegalArgumentException("beta(" + a + ", " + b + ", " + x + ")");
    }

    /** ln Γ(x) for x > 0: Stirling's series after the recurrence has made x large. */
    private static double logGamma(double x) {
        double shift = 0;
        double z = x;
        while (z < 15) shift += Math.log(z++);
        double s = 1 / (z * z);
        double series = (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s / 1680))) / z;
        return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
    }
}
