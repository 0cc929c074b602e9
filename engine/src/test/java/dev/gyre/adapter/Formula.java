package dev.gyre.adapter;

import java.util.function.ToDoubleFunction;

/** Works out a count's formula: numbers, names, {@code + - * /}, brackets, min, max and ceil. */
final class Formula {
    private final String text;
    private final ToDoubleFunction<String> values;
    private int at;

    private Formula(String text, ToDoubleFunction<String> values) {
        this.text = text.replace(" ", "");
        this.values = values;
    }

    static double of(String text, ToDoubleFunction<String> values) {
        var formula = new Formula(text, values);
        double value = formula.sum();
        if (formula.at != formula.text.length())
            throw new IllegalArgumentException("\"" + text + "\" has no sense from " + formula.at);
        return value;
    }

    private boolean takes(char c) {
        boolean is = at < text.length() && text.charAt(at) == c;
        if (is) at++;
        return is;
    }

    private double sum() {
        double value = product();
        while (true) {
            if (takes('+')) value += product();
            else if (takes('-')) value -= product();
            else return value;
        }
    }

    private double product() {
        double value = factor();
        while (true) {
            if (takes('*')) value *= factor();
            else if (takes('/')) value /= factor();
            else return value;
        }
    }

    private double factor() {
        if (takes('(')) {
            double inner = sum();
            if (!takes(')')) throw new IllegalArgumentException("a bracket is open in " + text);
            return inner;
        }
        int from = at;
        while (at < text.length()
                && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_')) at++;
        String word = text.substring(from, at);
        if (takes('(')) {
            double first = sum();
            double second = takes(',') ? sum() : first;
            if (!takes(')')) throw new IllegalArgumentException("a bracket is open in " + text);
            return switch (word) {
                case "min" -> Math.min(first, second);
                case "max" -> Math.max(first, second);
                case "ceil" -> Math.ceil(first);
                default -> throw new IllegalArgumentException("no function " + word);
            };
        }
        return word.matches("\\d+") ? Double.parseDouble(word) : values.applyAsDouble(word);
    }
}
