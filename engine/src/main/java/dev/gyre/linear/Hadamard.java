package dev.gyre.linear;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.function.IntBinaryOperator;

/**
 * Matrices H of ±1 with H·Hᵀ = n·I: the Walsh–Hadamard transform x ↦ x·Hᵀ of rows, not normalised.
 * H = H_K ⊗ H_2 ⊗ … ⊗ H_2, with K the first of {@link #ORDERS} that divides n, or 1. As a Kronecker
 * product it costs n·(K + 2·√(n/K)) a row instead of n².
 */
public final class Hadamard {
    /** Orders that are no powers of two, each four times an odd number but for 40; the first fits. */
    static final int[] ORDERS = {172, 156, 140, 108, 60, 52, 36, 28, 40, 20, 12};

    /** Up to here a power of two is one matrix: a product's cost then lies in the memory it reads. */
    private static final long WHOLE = 64;

    private Hadamard() {}

    /** Whether there is one of this width. */
    public static boolean exists(long n) {
        return n > 0 && Long.bitCount(n / order(n)) == 1;
    }

    private static long order(long n) {
        for (int k : ORDERS) if (n % k == 0) return k;
        return 1;
    }

    /**
     * H, [n, n].
     *
     * @param type of the rows that it will meet
     */
    public static LinearMap of(long n, DType type) {
        if (!exists(n)) throw new IllegalArgumentException("no Hadamard matrix of width " + n);
        long k = order(n);
        LinearMap powers = power(n / k, type);
        if (k == 1) return powers;
        LinearMap first = constant(matrix((int) k), type);
        return n == k ? first : new Kronecker(first, powers);
    }

    private static LinearMap power(long n, DType type) {
        if (n <= WHOLE) return constant(sylvester((int) n), type);
        long left = 1L << Long.numberOfTrailingZeros(n) / 2;
        return new Kronecker(power(left, type), power(n / left, type));
    }

    private static LinearMap constant(double[][] rows, DType type) {
        int n = rows.length;
        double[] flat = new double[n * n];
        for (int i = 0; i < n; i++) System.arraycopy(rows[i], 0, flat, i * n, n);
        return new Matrix(Var.constant(Tensor.of(flat, n, n).to(type)));
    }

    private static double[][] filled(int n, IntBinaryOperator sign) {
        double[][] rows = new double[n][n];
        for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) rows[i][j] = sign.applyAsInt(i, j);
        return rows;
    }

    /** −1 where i and j have an odd number of bits in common. */
    private static double[][] sylvester(int n) {
        return filled(n, (i, j) -> 1 - 2 * (Integer.bitCount(i & j) & 1));
    }

    private static int circulant(String first, int i, int j) {
        return first.charAt(Math.floorMod(j - i, first.length())) == '+' ? 1 : -1;
    }

    /** H_K for one of {@link #ORDERS}. */
    static double[][] matrix(int k) {
        return switch (k) {
            case 12 -> core("+-+---+++-+");
            case 20 -> core("+-++----+-+-++++--+");
            case 28 -> blocks("++-++----++-+", "-+-++----++-+", "--+--++++--+-");
            case 36 -> blocks("+++-+---++---+-++", "-++-+---++---+-++", "---+-+++--+++-+--");
            case 40 -> doubled(matrix(20));
            case 52 -> circulants("+-+--++++--+-", "+---++++++---", "++-+--++--+-+", "+----+--+----");
            case 60 -> core("+-+---+-+-++-++---+----++-----+++++--++++-+++--+--+-+-+++-+");
            case 108 ->
                    core(
                            "+-+--++++------+-++-+++-+-+-+--++-----+----+-++---++--++--+++--+-++++"
                                    + "-+++++--++-+-+-+---+--+-++++++----++-+");
            case 140 ->
                    core(
                            "+-++----+-+-+-++-+++-+++--++----++-----++--+----+-+--+--+-+++++-----+"
                                    + "-+-+++++-----+-++-++-+-++++-++--+++++--++++--++---+---+--+-+-+"
                                    + "-++++--+");
            case 156 ->
                    circulants(
                            "+++--+-+-----+--++----++--+-----+-+--++",
                            "++++---+--++----+-+--+-+----++--+---+++",
                            "+++--++-+---+-+--+----+--+-+---+-++--++",
                            "+---++-+-+-----+++-++-+++-----+-+-++---");
            case 172 ->
                    circulants(
                            "+---++--++++-+-+++-++--++-+++-+-++++--++---",
                            "++-++++++----+-+--++-++-++--+-+----++++++-+",
                            "+++-+-++--+-+-++++-+----+-++++-+-+--++-+-++",
                            "++---++++-+--+--++--------++--+--+-++++---+");
            default -> throw new IllegalArgumentException("order " + k);
        };
    }

    /** A border of + and −, and a circulant core. */
    private static double[][] core(String first) {
        return filled(
                first.length() + 1,
                (i, j) -> j == 0 ? 1 : i == 0 ? -1 : circulant(first, i - 1, j - 1));
    }

    /** [P Q; Q R], circulant within borders: P's of +, Q's of + but for its corner, R's of −. */
    private static double[][] blocks(String p, String q, String r) {
        int b = p.length() + 1;
        return filled(
                2 * b,
                (i, j) -> {
                    int which = i / b + j / b;
                    int row = i % b;
                    int column = j % b;
                    if (row > 0 && column > 0)
                        return circulant(which == 0 ? p : which == 1 ? q : r, row - 1, column - 1);
                    boolean corner = row == 0 && column == 0;
                    return which == 2 || which == 1 && corner ? -1 : 1;
                });
    }

    private static double[][] doubled(double[][] h) {
        int n = h.length;
        return filled(
                2 * n, (i, j) -> (int) h[i % n][j % n] * (i >= n && j >= n ? -1 : 1));
    }

    /** [a b c d; −b a −d c; −c d a −b; −d −c b a], circulant all. */
    private static double[][] circulants(String a, String b, String c, String d) {
        int n = a.length();
        String[] all = {a, b, c, d};
        int[][] which = {{0, 1, 2, 3}, {1, 0, 3, 2}, {2, 3, 0, 1}, {3, 2, 1, 0}};
        String[] signs = {"++++", "-+-+", "-++-", "--++"};
        return filled(
                4 * n,
                (i, j) -> {
                    int row = i / n;
                    int column = j / n;
                    int sign = signs[row].charAt(column) == '+' ? 1 : -1;
                    return sign * circulant(all[which[row][column]], i % n, j % n);
                });
    }
}
