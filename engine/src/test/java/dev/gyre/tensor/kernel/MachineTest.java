package dev.gyre.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** The machine code against the same loops in Java, and that it writes nothing but its results. */
class MachineTest {
    private static final float UNTOUCHED = 7.5f;

    private final Arena arena = Arena.ofAuto();
    private final Random random = new Random(5);

    @BeforeEach
    void isThere() {
        assumeTrue(Machine.PRESENT, "NOT RUN: no Linux on x86-64 with vectors of 8 numbers");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 32, 127})
    void productsOfAnyNumberOfRows(int rows) {
        product(rows, 40, 9, false, false);
        product(rows, 16, 32, true, false);
    }

    @ParameterizedTest
    @CsvSource({"8,1", "16,1", "24,33", "64,128", "136,3"})
    void productsOfAnyVectorsAndSteps(int columns, int steps) {
        product(11, columns, steps, false, false);
        product(11, columns, steps, true, true);
        product(14, columns, steps, false, true);
    }

    /**
     * @param turned whether a's rows lie side by side, as in a product with its transpose
     */
    private void product(int rows, int columns, int steps, boolean add, boolean turned) {
        long aRow = turned ? 4 : 4L * (steps + 3);
        long aStep = turned ? 4L * (rows + 1) : 4;
        long bStep = 4L * (columns + 5);
        long outRow = 4L * (columns + 2);
        MemorySegment a = numbers(turned ? steps * (rows + 1) : rows * (steps + 3));
        MemorySegment b = numbers(steps * (columns + 5));
        MemorySegment out = filled(rows * (columns + 2) + 16);
        MemorySegment java = filled(rows * (columns + 2) + 16);
        long from = a.address();
        Machine.product(
                from,
                aRow,
                aStep,
                b.address(),
                bStep,
                64,
                out.address(),
                outRow,
                rows,
                columns,
                steps,
                add);
        Tile.inJava(
                from,
                aRow,
                aStep,
                b.address(),
                bStep,
                java.address(),
                outRow,
                rows,
                columns,
                steps,
                add);
        for (int i = 0; i < rows * (columns + 2) + 16; i++) {
            float actual = out.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            float wanted = java.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            assertThat(Math.abs(actual - wanted))
                    .as("number %d of %d rows of %d", i, rows, columns)
                    .isLessThanOrEqualTo(wanted == UNTOUCHED ? 0 : 1e-5f * (1 + Math.abs(wanted)));
        }
    }

    @ParameterizedTest
    @CsvSource({"8,8", "16,24", "9,8", "8,31", "64,64", "33,17", "7,40", "40,7"})
    void turnsOver(int rows, int columns) {
        long row = 4L * (columns + 1);
        long turnedRow = 4L * (rows + 3);
        MemorySegment from = numbers(rows * (columns + 1));
        MemorySegment to = filled(columns * (rows + 3));
        MemorySegment java = filled(columns * (rows + 3));
        Turn.matrix(from.address(), row, to.address(), turnedRow, rows, columns);
        Turn.inJava(from.address(), row, java.address(), turnedRow, rows, columns);
        assertThat(to.mismatch(java)).isEqualTo(-1);
    }

    /** The same sums in the same order as without panels. */
    @ParameterizedTest
    @CsvSource({"8,5,3", "16,7,1", "24,1,9", "200,64,13"})
    void panelsOneAfterAnother(int columns, int steps, int rows) {
        MemorySegment a = numbers(rows * steps);
        MemorySegment b = numbers((columns + 8) * steps);
        MemorySegment panels = filled((columns + 8) * steps);
        for (int j = 0; j < columns; j++)
            for (int k = 0; k < steps; k++)
                panels.setAtIndex(
                        ValueLayout.JAVA_FLOAT,
                        (long) j / 16 * 16 * steps + k * 16L + j % 16,
                        b.getAtIndex(ValueLayout.JAVA_FLOAT, (long) k * (columns + 8) + j));
        MemorySegment out = filled(rows * columns);
        MemorySegment asTheyLie = filled(rows * columns);
        long row = 4L * columns;
        long bRow = row + 32;
        Tile.panels(
                a.address(),
                4L * steps,
                4,
                panels.address(),
                out.address(),
                row,
                rows,
                columns,
                steps,
                false);
        Machine.product(
                a.address(),
                4L * steps,
                4,
                b.address(),
                bRow,
                64,
                asTheyLie.address(),
                row,
                rows,
                columns,
                steps,
                false);
        assertThat(out.mismatch(asTheyLie)).isEqualTo(-1);
    }

    private MemorySegment numbers(int count) {
        MemorySegment m = filled(count);
        for (int i = 0; i < count; i++)
            m.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        return m;
    }

    private MemorySegment filled(int count) {
        MemorySegment m = arena.allocate(4L * count, 4);
        for (int i = 0; i < count; i++) m.setAtIndex(ValueLayout.JAVA_FLOAT, i, UNTOUCHED);
        return m;
    }
}
