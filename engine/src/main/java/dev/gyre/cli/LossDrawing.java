package dev.gyre.cli;

import java.util.Arrays;
import java.util.List;

/** The loss of a run in the terminal: dots of Braille letters, two by four to a character. */
final class LossDrawing {
    private static final int ROWS = 8;

    /** Bits of Unicode's Braille patterns by column and row of a dot. */
    private static final int[][] DOTS = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

    private LossDrawing() {}

    /**
     * Draws points that follow each other.
     *
     * @param columns width to fill, with the numbers at the left
     * @return lines; none for no points
     */
    static List<String> draw(List<LossCurve.Point> points, int columns) {
        if (points.isEmpty()) return List.of();
        int width = Math.max(10, columns - 9);
        double top = points.stream().mapToDouble(LossCurve.Point::loss).max().orElse(1);
        if (!(top > 0)) top = 1;
        int[][] cells = new int[ROWS][width];
        double last = points.size() - 1.0;
        int steps = 2 * width;
        for (int i = 0; i < steps; i++) {
            double at = steps == 1 ? 0 : last * i / (steps - 1);
            int low = (int) Math.floor(at);
            int high = Math.min(low + 1, points.size() - 1);
            double loss =
                    points.get(low).loss() * (low + 1 - at) + points.get(high).loss() * (at - low);
            int dot = (int) Math.round((1 - loss / top) * (4 * ROWS - 1));
            dot = Math.clamp(dot, 0, 4 * ROWS - 1);
            cells[dot / 4][i / 2] |= DOTS[i % 2][dot % 4];
        }
        var lines = new String[ROWS + 1];
        for (int row = 0; row < ROWS; row++) {
            double mark = top * (1 - row / (ROWS - 1.0));
            var line = new StringBuilder("%7s ┤".formatted(row % 2 == 0 ? Words.loss(mark) : ""));
            for (int cell : cells[row]) line.append((char) (0x2800 + cell));
            lines[row] = line.toString();
        }
        String end = "step " + points.getLast().step();
        lines[ROWS] = " ".repeat(9) + "1" + " ".repeat(Math.max(1, width - 1 - end.length())) + end;
        return Arrays.asList(lines);
    }
}
