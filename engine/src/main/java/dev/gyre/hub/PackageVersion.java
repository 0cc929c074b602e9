package dev.gyre.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A Python package's version, ordered as far as choosing the newest needs: numbers by value,
 * pre-releases first.
 */
record PackageVersion(String text) implements Comparable<PackageVersion> {
    private static final Pattern PIECE = Pattern.compile("\\d+|[a-z]+", Pattern.CASE_INSENSITIVE);

    /** Equal when Python thinks so in the usual cases: {@code 1.0} is {@code 1.0.0}. */
    boolean same(String other) {
        return compareTo(new PackageVersion(other)) == 0;
    }

    @Override
    public int compareTo(PackageVersion other) {
        List<String> a = pieces();
        List<String> b = other.pieces();
        for (int i = 0; i < Math.max(a.size(), b.size()); i++) {
            int order = compare(i < a.size() ? a.get(i) : "0", i < b.size() ? b.get(i) : "0");
            if (order != 0) return order;
        }
        return 0;
    }

    private List<String> pieces() {
        var out = new ArrayList<String>();
        var m = PIECE.matcher(text);
        while (m.find()) out.add(m.group());
        return out;
    }

    private static int compare(String a, String b) {
        boolean x = Character.isDigit(a.charAt(0));
        boolean y = Character.isDigit(b.charAt(0));
        if (x && y) return new java.math.BigInteger(a).compareTo(new java.math.BigInteger(b));
        if (!x && !y) return a.compareToIgnoreCase(b);
        // 1.0rc1 comes before 1.0, 1.0.post1 after it
        String word = x ? b : a;
        int wordOrder = word.equalsIgnoreCase("post") ? 1 : -1;
        return x ? -wordOrder : wordOrder;
    }
}
