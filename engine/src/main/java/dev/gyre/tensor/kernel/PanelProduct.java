package dev.gyre.tensor.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Products of large matrices by {@link MachineCode}, one panel of the right one after another: its
 * columns side by side in a room that stays in the second cache while all rows of the left one pass
 * by, which are read as they lie.
 *
 * <p>On two Zen 3 cores at work, through the weights of a model of 135M parameters that come from
 * memory, 96 GFLOP/s each of 107 for 512 rows; OpenBLAS, which packs the left one too, 88.
 *
 * <p>A number of the result is a sum in the order of the steps, {@link #STEPS} at a time, whatever
 * rows are beside it. Asked for only where {@link Kernels#fitPanels} says so.
 */
public final class PanelProduct {
    /**
     * Of a panel. Of 16 the rows would have to come from the third cache four times as often; 96
     * and 192 were slower, because with them the panel leaves no room for the rows.
     */
    private static final int COLUMNS = 64;

    /**
     * Steps that a sum takes in registers before it is added to what memory holds, of 384 to 1,536
     * what was fast; all in one would round a long sum more.
     */
    private static final int STEPS = 576;

    private static final long PANEL_ROW = 4L * COLUMNS;

    private static final ThreadLocal<MemorySegment> ROOM =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(PANEL_ROW * STEPS, 64));

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
                if (turned) Turn.matrix(b + j * bRow + 4L * k, bRow, room, PANEL_ROW, wide, some);
                else columns(b + k * bRow + 4L * j, bRow, room, wide, some);
                Machine.product(
                        a + 4L * k,
                        aRow,
                        4,
                        room,
                        PANEL_ROW,
                        c + 4L * j,
                        cRow,
                        rows,
                        wide,
                        some,
                        add || k > 0);
            }
        }
    }

    private static void columns(long b, long bRow, long room, int columns, int steps) {
        for (int k = 0; k < steps; k++, b += bRow, room += PANEL_ROW)
            for (long j = 0; j < 4L * columns; j += Lanes.BYTES)
                Lanes.store(Lanes.load(b + j), room + j);
    }
}
