package dev.gyre.text.jinja;

import java.math.BigDecimal;

/** Arithmetic as Python does it; a whole number beyond 64 bits is an error. */
final class Numbers {
    private Numbers() {}

    static boolean isNumber(Object v) {
        return v instanceof Long || v instanceof Double || v instanceof Boolean;
    }

    static boolean isWhole(Object v) {
        return v instanceof Long || v instanceof Boolean;
    }

    static long whole(Object v) {
        if (v instanceof Long l) return l;
        if (v instanceof Boolean b) return b ? 1 : 0;
        throw new TemplateError(
                "'" + Values.typeName(v) + "' object cannot be interpreted as an integer");
    }

    /** A whole number that fits Java's indices. */
    static int index(Object v) {
        return Math.clamp(whole(v), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    static double real(Object v) {
        return v instanceof Double d ? d : whole(v);
    }

    static int compare(Object a, Object b) {
        if (isWhole(a) && isWhole(b)) return Long.compare(whole(a), whole(b));
        double x = real(a);
        double y = real(b);
        return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
    }

    static Object arithmetic(String operator, Object a, Object b) {
        if (!isNumber(a) || !isNumber(b))
            throw new TemplateError(
                    "unsupported operand types for %s: '%s' and '%s'"
                            .formatted(operator, Values.typeName(a), Values.typeName(b)));
        try {
            return isWhole(a) && isWhole(b) && !operator.equals("/")
                    ? whole(operator, whole(a), whole(b))
                    : (Object) real(operator, real(a), real(b));
        } catch (ArithmeticException e) {
            throw new TemplateError(
                    operator.matches("[/%]+")
                            ? "division by zero"
                            : "a number grows beyond 64 bits");
        }
    }

    private static Object whole(String operator, long a, long b) {
        return switch (operator) {
            case "+" -> Math.addExact(a, b);
            case "-" -> Math.subtractExact(a, b);
            case "*" -> Math.multiplyExact(a, b);
            case "//" -> Math.floorDiv(a, b);
            case "%" -> Math.floorMod(a, b);
            default -> b < 0 ? (Object) Math.pow((double) a, (double) b) : (Object) power(a, b);
        };
    }

    private static long power(long a, long b) {
        if (b > 64 && Math.abs(a) > 1) throw new ArithmeticException("too large");
        long out = 1;
        for (long i = 0; i < Math.min(b, 64 + b % 2); i++) out = Math.multiplyExact(out, a);
        return out;
    }

    private static double real(String operator, double a, double b) {
        if (b == 0 && operator.matches("[/%]+")) throw new ArithmeticException("by zero");
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - Math.floor(a / b) * b;
            default -> Math.pow(a, b);
        };
    }

    /** The shortest text that reads back as the same number; Python's choice of exponents. */
    static String text(double d) {
        if (Double.isNaN(d)) return "nan";
        if (Double.isInfinite(d)) return d > 0 ? "inf" : "-inf";
        double size = Math.abs(d);
        if (size != 0 && (size < 1e-4 || size >= 1e16)) {
            String s = Double.toString(d).replace(".0E", "E");
            String exponent = s.substring(s.indexOf('E') + 1);
            boolean minus = exponent.startsWith("-");
            String digits = minus ? exponent.substring(1) : exponent;
            return s.substring(0, s.indexOf('E'))
                    + (minus ? "e-" : "e+")
                    + (digits.length() < 2 ? "0" : "")
                    + digits;
        }
        if (size == 0) return Double.toString(d);
        String plain = new BigDecimal(Double.toString(d)).stripTrailingZeros().toPlainString();
        return plain.contains(".") ? plain : plain + ".0";
    }
}
