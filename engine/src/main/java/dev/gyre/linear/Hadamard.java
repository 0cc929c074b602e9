package dev.gyre.linear;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntBinaryOperator;

/**
 * Matrices H of ±1 with H·Hᵀ = n·I: the Walsh–Hadamard transform x ↦ x·Hᵀ of rows, not normalised.
 * H = H_K ⊗ H_2 ⊗ … ⊗ H_2, with K the first of {@link #ORDERS} that divides n, or 1. As a Kronecker
 * product of small factors it costs a row n times the sum of their orders instead of n², and by
 * {@link FastHadamard} where a kernel applies n times K + log₂(n/K).
 */
public final class Hadamard {
    /**
     * Orders that are no powers of two, each four times an odd number but for 40; the first fits.
     */
    static final int[] ORDERS = {172, 156, 140, 108, 60, 52, 36, 28, 40, 20, 12};

    /** Of 2: a larger power is several factors, as each costs a row its order times the width. */
    private static final int LARGEST_POWER = 6;

    private Hadamard() {}

    /** Whether there is one of this width. */
    public static boolean exists(long n) {
        return n > 0 && Long.bitCount(n / order(n)) == 1;
    }

    private static int order(long n) {
        for (int k : ORDERS) if (n % k == 0) return k;
        return 1;
    }

    /**
     * The orders of the factors whose Kronecker product, from left to right, is H.
     *
     * @throws IllegalArgumentException when there is no H of this width
     */
    public static List<Integer> factors(long n) {
        if (!exists(n)) throw new IllegalArgumentException("no Hadamard matrix of width " + n);
        var orders = new ArrayList<Integer>();
        int k = order(n);
        int powers = Long.numberOfTrailingZeros(n / k);
        if (k > 1) orders.add(k);
        int parts = Math.max(1, Math.ceilDiv(powers, LARGEST_POWER));
        for (int part = 0; part < parts; part++) {
            int own = powers * (part + 1) / parts - powers * part / parts;
            if (own > 0 || orders.isEmpty()) orders.add(1 << own);
        }
        return orders;
    }

    /** The factor of an order that {@link #factors} gave, [order, order], in f32. */
    public static Tensor factor(int order) {
        int[][] rows = Integer.bitCount(order) == 1 ? sylvester(order) : matrix(order);
        float[] flat = new float[order * order];
        for (int i = 0; i < flat.length; i++) flat[i] = rows[i / order][i % order];
        return Tensor.of(flat, order, order);
    }

    /** H, [n, n], of its factors. */
    public static LinearMap of(List<Var> factors) {
        Var first = factors.getFirst();
        boolean power = Long.bitCount(first.value().size(0)) == 1;
        return new FastHadamard(power ? null : first, product(factors));
    }

    private static LinearMap product(List<Var> factors) {
        LinearMap last = new Matrix(factors.getLast());
        int rest = factors.size() - 1;
        return rest == 0 ? last : new Kronecker(product(factors.subList(0, rest)), last);
    }

    /**
     * H, [n, n], with factors of its own.
     *
     * @param type of the rows that it will meet
     */
    public static LinearMap of(long n, DType type) {
        return of(factors(n).stream().map(k -> Var.constant(factor(k).to(type))).toList());
    }

    private static int[][] filled(int n, IntBinaryOperator sign) {
        int[][] rows = new int[n][n];
        for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) rows[i][j] = sign.applyAsInt(i, j);
        return rows;
    }

    /** −1 where i and j have an odd number of bits in common. */
    private static int[][] sylvester(int n) {
        return filled(n, (i, j) -> 1 - 2 * (Integer.bitCount(i & j) & 1));
    }

    private static int circulant(String first, int i, int j) {
        return first.charAt(Math.floorMod(j - i, first.length())) == '+' ? 1 : -1;
    }

    /** H_K for one of {@link #ORDERS}. */
    static int[][] matrix(int k) {
        return switch (k) {
            case 12 -> core("+-+---+++-+");
            case 20 -> core("+-++----+-+-++++--+");
            case 28 -> blocks("++-++----++-+", "-+-++----++-+", "--+--++++--+-");
            case 36 -> blocks("+++-+---++---+-++", "-++-+---++---+-++", "---+-+++--+++-+--");
            case 40 -> doubled(matrix(20));
            case 52 ->
                    circulants("+-+--++++--+-", "+---++++++---", "++-+--++--+-+", "+----+--+----");
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
    private static int[][] core(String first) {
        return filled(
                first.length() + 1,
                (i, j) -> j == 0 ? 1 : i == 0 ? -1 : circulant(first, i - 1, j - 1));
    }

    /** [P Q; Q R], circulant within borders: P's of +, Q's of + but for its corner, R's of −. */
    private static int[][] blocks(String p, String q, String r) {
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

    private static int[][] doubled(int[][] h) {
        int n = h.length;
        return filled(2 * n, (i, j) -> h[i % n][j % n] * (i >= n && j >= n ? -1 : 1));
    }

    /** [a b c d; −b a −d c; −c d a −b; −d −c b a], circulant all. */
    private static int[][] circulants(String a, String b, String c, String d) {
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
