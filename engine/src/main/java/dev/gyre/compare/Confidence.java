package dev.gyre.compare;

import java.util.Arrays;

/**
 * How sure a mean over seeds and units is. A result would come out otherwise with other seeds and
 * on other units (rows, or pieces of a text), so both count: the variance of the mean is taken as
 * that of the seeds' means plus that of the units' means, each estimated from what was measured,
 * and the interval is Student's t with the degrees of freedom of the sum after Welch and
 * Satterthwaite (<a href="https://doi.org/10.2307/3002019">Satterthwaite 1946</a>). What varies by
 * seed and unit together is in both terms, so the interval is rather too wide than too narrow.
 *
 * <p>A mean is a ratio, Σ value / Σ weight, as a loss per token is; its variance over units is that
 * of the linearised ratio.
 *
 * @param mean the estimate
 * @param error its standard error; infinite from a single run, which says nothing of other seeds
 * @param freedom degrees of freedom of the error
 */
public record Confidence(double mean, double error, double freedom) {
    /** How often an interval of this kind misses. */
    public static final double MISSES = 0.05;

    /**
     * The mean of one group of runs.
     *
     * @param values by run, then by unit
     * @param weights of the units
     */
    static Confidence of(double[][] values, double[] weights) {
        return sum(
                units(mean(values), weights),
                weights.length - 1.0,
                seeds(values, weights),
                values.length - 1.0,
                0,
                1,
                ratio(mean(values), weights));
    }

    /**
     * The difference a − b of two groups of runs on the same units: the units are paired, the seeds
     * are not.
     */
    static Confidence difference(double[][] a, double[][] b, double[] weights) {
        double[] gap = mean(a);
        double[] other = mean(b);
        for (int i = 0; i < gap.length; i++) gap[i] -= other[i];
        return sum(
                units(gap, weights),
                weights.length - 1.0,
                seeds(a, weights),
                a.length - 1.0,
                seeds(b, weights),
                b.length - 1.0,
                ratio(gap, weights));
    }

    private static Confidence sum(
            double units,
            double unitsFreedom,
            double a,
            double aFreedom,
            double b,
            double bFreedom,
            double mean) {
        if (aFreedom < 1 || bFreedom < 1 || unitsFreedom < 1)
            return new Confidence(mean, Double.POSITIVE_INFINITY, 1);
        double all = units + a + b;
        double parts = units * units / unitsFreedom + a * a / aFreedom + b * b / bFreedom;
        return new Confidence(mean, Math.sqrt(all), parts > 0 ? all * all / parts : unitsFreedom);
    }

    private static double[] mean(double[][] values) {
        double[] mean = new double[values[0].length];
        for (double[] run : values)
            for (int i = 0; i < mean.length; i++) mean[i] += run[i] / values.length;
        return mean;
    }

    private static double ratio(double[] values, double[] weights) {
        return Arrays.stream(values).sum() / Arrays.stream(weights).sum();
    }

    /** Variance of a ratio over its units. */
    private static double units(double[] values, double[] weights) {
        int n = values.length;
        double ratio = ratio(values, weights);
        double weight = Arrays.stream(weights).sum() / n;
        double squares = 0;
        for (int i = 0; i < n; i++) {
            double off = (values[i] - ratio * weights[i]) / weight;
            squares += off * off;
        }
        return squares / (n - 1) / n;
    }

    /** Variance of the mean of the runs' ratios. */
    private static double seeds(double[][] values, double[] weights) {
        int n = values.length;
        if (n < 2) return 0;
        double[] ratios = Arrays.stream(values).mapToDouble(v -> ratio(v, weights)).toArray();
        double mean = Arrays.stream(ratios).sum() / n;
        double squares = 0;
        for (double r : ratios) squares += (r - mean) * (r - mean);
        return squares / (n - 1) / n;
    }

    /** The lower end of the interval. */
    public double low() {
        return mean - half();
    }

    /** The upper end of the interval. */
    public double high() {
        return mean + half();
    }

    /** Half the interval's width. */
    public double half() {
        if (error == 0 || Double.isInfinite(error)) return error;
        return error * StudentT.beyond(MISSES, freedom);
    }

    /** How likely so large a mean is if the true one is zero. */
    public double chance() {
        if (error == 0) return mean == 0 ? 1 : 0;
        if (Double.isInfinite(error)) return 1;
        return StudentT.twoSided(mean / error, freedom);
    }
}
