package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.COUNT;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Products of large matrices by {@link MachineCode}, some columns of the right one after another:
 * in panels, in a room that stays in the second cache while all rows of the left one pass by, which
 * are read as they lie.
 *
 * <p>On two Zen 3 cores at work, through the weights of a model of 135M parameters that come from
 * memory, 98 GFLOP/s each of 107 for 512 rows; OpenBLAS, which packs the left one too, 88.
 *
 * <p>A number of the result is a sum in the order of the steps, {@link #STEPS} at a time, whatever
 * rows are beside it. Asked for only where {@link Kernels#fitPanels} says so.
 */
public final class PanelProduct {
    /**
     * Columns at a time; fewer at the end only. Of 32 the rows have to come from the third cache
     * more often, 4 % slower in all; of 192 they leave no room for the rows.
     */
    public static final int COLUMNS = 96;

    /**
     * Steps that a sum takes in registers before it is added to what memory holds, of 384 to 1,536
     * what was fast; all in one would round a long sum more.
     */
    private static final int STEPS = 576;

    /** Columns of a panel. */
    private static final int PANEL = 2 * COUNT;

    private static final long PANEL_ROW = Tile.PANEL;

    private static final ThreadLocal<MemorySegment> ROOM =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(4L * COLUMNS * STEPS, 64));

    private PanelProduct() {}

    /**
     * c (+)= a · b, with a [rows, steps] and c [rows, columns]; addresses, and strides in bytes.
     *
     * @param turned whether b lies as [columns, steps], as a weight does in x · Wᵀ; otherwise as
     *     [steps, columns]
     */
    public static void multiply(
            long a,
            long aRow,
            long b,
            long bRow,
            boolean turned,
            long c,
            long cRow,
            int rows,
            int columns,
            int steps,
            boolean add) {
        long room = ROOM.get().address();
        int stretches = Math.ceilDiv(steps, STEPS);
        int most = Math.ceilDiv(Math.ceilDiv(steps, stretches), 8) * 8;
        for (int k = 0; k < steps; k += most) {
            int some = Math.min(most, steps - k);
            for (int j = 0; j < columns; j += COLUMNS) {
                int wide = Math.min(COLUMNS, columns - j);
                long from = turned ? b + j * bRow + 4L * k : b + k * bRow + 4L * j;
                if (turned)
                    for (int i = 0; i < wide; i += PANEL)
                        Turn.matrix(
                                from + i * bRow,
                                bRow,
                                room + 4L * i * some,
                                PANEL_ROW,
                                Math.min(PANEL, wide - i),
                                some);
                else columns(from, bRow, room, wide, some);
                long to = c + 4L * j;
                Tile.panels(a + 4L * k, aRow, 4, room, to, cRow, rows, wide, some, add || k > 0);
            }
        }
    }

    /** Into panels as they lie, one row after another because they come from memory. */
    private static void columns(long b, long bRow, long room, int columns, int steps) {
        for (int k = 0; k < steps; k++) {
            long to = room + k * PANEL_ROW;
            for (long j = 0; j < 4L * columns; j += PANEL_ROW) {
                long end = Math.min(PANEL_ROW, 4L * columns - j);
                for (long i = 0; i < end; i += BYTES) store(load(b + j + i), to + i);
                to += PANEL_ROW * steps;
            }
            b += bRow;
        }
    }
}
