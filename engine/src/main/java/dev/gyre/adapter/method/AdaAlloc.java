package dev.gyre.adapter.method;

import dev.gyre.linear.Hadamard;
import dev.gyre.linear.LinearMap;
import dev.gyre.model.Slot;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Which p entries of a spectrum F [m, n] best undo what an encoding lost, E = W − Q, and their
 * values, so that F·H/n ≈ E (QWHA, arXiv 2509.17428, as its code has it). D = E·Hᵀ are the
 * coefficients.
 *
 * <ul>
 *   <li>Each row has a share of the entries as large as ‖D_i‖ is of all rows' lengths together.
 *   <li>Of a row those with the largest M_jj·D_ij² are taken, M being the second moments of the
 *       transformed inputs: what a coefficient adds to the outputs.
 *   <li>Their values are those of the least output error: M_SS·c = (M·D_iᵀ)_S on the support S.
 * </ul>
 *
 * All in f64. The code's way there, through the roots of the inputs' moments, comes to the same.
 */
final class AdaAlloc {
    /** Added to M's diagonal, in parts of its mean. */
    private static final double DAMPING = 1e-4;

    /** Rows whose coefficients are there at a time. */
    private static final long PANEL = 512;

    private final Slot slot;
    private final Weight original;
    private final LinearMap transform;
    private final @Nullable Tensor moments;

    /**
     * @param original W
     * @param inputs Σ xᵀ·x of the inputs [n, n]; null where none were seen, and all count alike
     */
    AdaAlloc(Slot slot, Weight original, @Nullable Tensor inputs) {
        this.slot = slot;
        this.original = original;
        this.transform = Hadamard.of(slot.in(), DType.F64);
        this.moments = inputs == null ? null : moments(inputs.to(DType.F64));
    }

    private Tensor moments(Tensor inputs) {
        long n = slot.in();
        Tensor once = transform.times(inputs).transpose(0, 1).contiguous();
        Tensor m = transform.times(once).timesInPlace(1.0 / n / n);
        Tensor diagonal = diagonal(m);
        return m.plusInPlace(Tensor.eye(DType.F64, n), DAMPING * diagonal.mean(0, false).item());
    }

    private static Tensor diagonal(Tensor square) {
        return square.contiguous().view(-1).indexSelect(0, every(square.size(0)));
    }

    private static Tensor every(long n) {
        return Tensor.of(IntStream.range(0, (int) n).mapToLong(i -> i * (n + 1)).toArray());
    }

    /**
     * Entries row by row.
     *
     * @param rows of the entries, ascending, [p]
     * @param values c, so that c·H/n is near to E
     */
    record Entries(int[] rows, int[] columns, double[] values) {}

    /** The p best entries. */
    Entries choose(int p) {
        int[] counts = counts(lengths(), p, (int) slot.in());
        var all = new Entries(new int[p], new int[p], new double[p]);
        int at = 0;
        for (long from = 0; from < slot.out(); from += PANEL) {
            int rows = (int) Math.min(PANEL, slot.out() - from);
            try (var _ = Scope.open()) {
                Tensor d = coefficients(from, rows);
                Tensor weighed = moments == null ? d : d.matmul(moments);
                Tensor score = d.times(d);
                if (moments != null) score.timesInPlace(diagonal(moments));
                Tensor order = score.argsort(1, true);
                for (int r = 0; r < rows; r++) {
                    int i = (int) from + r;
                    int[] support = order.select(0, r).narrow(0, 0, counts[i]).toInts();
                    Arrays.sort(support);
                    double[] c = values(weighed.select(0, r), support);
                    Arrays.fill(all.rows, at, at + support.length, i);
                    System.arraycopy(support, 0, all.columns, at, support.length);
                    System.arraycopy(c, 0, all.values, at, support.length);
                    at += support.length;
                }
            }
        }
        return all;
    }

    private Tensor coefficients(long from, long rows) {
        Tensor lost = EncodedBase.lost(original, slot, from, rows);
        return transform.times(lost.to(DType.F64).contiguous());
    }

    /** ‖D_i‖ of all rows. */
    private double[] lengths() {
        double[] lengths = new double[(int) slot.out()];
        for (long from = 0; from < lengths.length; from += PANEL) {
            long rows = Math.min(PANEL, lengths.length - from);
            try (var _ = Scope.open()) {
                Tensor d = coefficients(from, rows);
                double[] some = d.times(d).sum(1, false).sqrt().toDoubles();
                System.arraycopy(some, 0, lengths, (int) from, some.length);
            }
        }
        return lengths;
    }

    /**
     * How many of p entries each row has: its share rounded down, at most n; what is left goes to
     * the rows that have room in equal parts, and the last of it to those with the fewest.
     */
    static int[] counts(double[] lengths, int p, int n) {
        int m = lengths.length;
        double sum = Arrays.stream(lengths).sum();
        int[] counts = new int[m];
        for (int i = 0; i < m; i++)
            counts[i] = Math.min(n, sum > 0 ? (int) (p * (lengths[i] / sum)) : p / m);
        int left = p - Arrays.stream(counts).sum();
        while (left > 0) {
            int[] open = IntStream.range(0, m).filter(i -> counts[i] < n).toArray();
            int each = left / open.length;
            if (each == 0) {
                int[] fewest =
                        IntStream.of(open)
                                .boxed()
                                .sorted(Comparator.comparingInt(i -> counts[i]))
                                .mapToInt(i -> i)
                                .limit(left)
                                .toArray();
                for (int i : fewest) counts[i]++;
                return counts;
            }
            for (int i : open) {
                int more = Math.min(each, n - counts[i]);
                counts[i] += more;
                left -= more;
            }
        }
        return counts;
    }

    /**
     * c on a support.
     *
     * @param weighed M·D_iᵀ, [n]
     */
    private double[] values(Tensor weighed, int[] support) {
        if (support.length == 0) return new double[0];
        try (var _ = Scope.open()) {
            Tensor at = Tensor.of(Arrays.stream(support).asLongStream().toArray());
            Tensor right = weighed.indexSelect(0, at);
            if (moments == null) return right.toDoubles();
            return moments.indexSelect(0, at).indexSelect(1, at).solve(right).toDoubles();
        }
    }
}
