package dev.gyre.tensor.kernel;

import dev.gyre.tensor.Processor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * {@link MachineCode}, where the system and the processor take it: Linux on x86-64 with AVX2 and
 * FMA, where the JVM's own vectors are of 8 numbers too, because kernels ask for whole ones; with
 * AVX-512 they are twice as long. The property {@code gyre.machine} set to false keeps to Java, for
 * comparison.
 */
final class Machine {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

    private static final int SIX = MachineCode.MOST_ROWS;

    private static final int READ = 1;
    private static final int WRITE = 2;
    private static final int EXECUTE = 4;
    private static final int PRIVATE_WITHOUT_FILE = 0x22;

    /** The routines' addresses: products by their tiles' rows, turning over in place 0. */
    private static final List<MemorySegment> ROUTINES = routines();

    /** Whether the other methods may be called. */
    static final boolean PRESENT = !ROUTINES.isEmpty();

    /*
     * Without the steps that tell the JVM of a call out, which would take longer than a small
     * product. It can stop the calling thread only between calls; a long one takes a millisecond.
     */
    private static final MethodHandle PRODUCT = routine(13);
    private static final MethodHandle TURN = routine(6);

    private Machine() {}

    private static List<MemorySegment> routines() {
        boolean fits =
                "amd64".equals(System.getProperty("os.arch"))
                        && "Linux".equals(System.getProperty("os.name"))
                        && !"false".equals(System.getProperty("gyre.machine"))
                        && Lanes.COUNT == 8
                        && Processor.has("avx2", "fma");
        if (!fits) return List.of();
        var code = new MachineCode();
        MemorySegment memory = executable(code.bytes);
        if (memory.equals(MemorySegment.NULL)) return List.of();
        var routines = new ArrayList<MemorySegment>();
        routines.add(memory.asSlice(code.turn));
        for (int rows = 1; rows <= MachineCode.MOST_ROWS; rows++)
            routines.add(memory.asSlice(code.products[rows]));
        return routines;
    }

    /** A copy that can run, for good; NULL where a system's policy forbids that. */
    @SuppressWarnings("restricted") // mmap and mprotect, as the C library has them
    private static MemorySegment executable(byte[] code) {
        Linker linker = Linker.nativeLinker();
        MethodHandle map =
                linker.downcallHandle(
                        linker.defaultLookup().findOrThrow("mmap"),
                        FunctionDescriptor.of(LONG, LONG, LONG, INT, INT, INT, LONG));
        MethodHandle protect =
                linker.downcallHandle(
                        linker.defaultLookup().findOrThrow("mprotect"),
                        FunctionDescriptor.of(INT, LONG, LONG, INT));
        try {
            long at =
                    (long)
                            map.invokeExact(
                                    0L,
                                    (long) code.length,
                                    READ | WRITE,
                                    PRIVATE_WITHOUT_FILE,
                                    -1,
                                    0L);
            if (at == -1) return MemorySegment.NULL;
            MemorySegment memory = MemorySegment.ofAddress(at).reinterpret(code.length);
            MemorySegment.copy(code, 0, memory, ValueLayout.JAVA_BYTE, 0, code.length);
            int failed = (int) protect.invokeExact(at, (long) code.length, READ | EXECUTE);
            return failed == 0 ? memory : MemorySegment.NULL;
        } catch (Throwable e) { // the linker's signature; the functions throw nothing
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("restricted") // our own code
    private static MethodHandle routine(int arguments) {
        var longs = new ValueLayout[arguments];
        java.util.Arrays.fill(longs, LONG);
        return Linker.nativeLinker()
                .downcallHandle(FunctionDescriptor.ofVoid(longs), Linker.Option.critical(false));
    }

    /**
     * {@link Tile#product}, or {@link Tile#panels}, with at least one step, and columns a multiple
     * of 8.
     *
     * @param bPanel in b from 16 columns to the next 16
     */
    static void product(
            long a,
            long aRow,
            long aStep,
            long b,
            long bStep,
            long bPanel,
            long out,
            long outRow,
            int rows,
            int columns,
            int steps,
            boolean add) {
        // Fewer than 4 rows take as long as 4, so one six is shared out with what it leaves over.
        int sixes = rows / SIX;
        if (sixes > 0 && rows % SIX > 0 && rows % SIX < 4) sixes--;
        int at = 0;
        while (at < rows) {
            int left = rows - at;
            int tiles = at < SIX * sixes ? sixes : 1;
            int height = at < SIX * sixes ? SIX : left > SIX ? (left + 1) / 2 : left;
            try {
                PRODUCT.invokeExact(
                        ROUTINES.get(height),
                        a + at * aRow,
                        aRow,
                        aStep,
                        b,
                        bStep,
                        out + at * outRow,
                        outRow,
                        (long) tiles,
                        (long) columns / 16,
                        (long) columns / 8 % 2,
                        (long) steps,
                        add ? 1L : 0L,
                        bPanel);
            } catch (Throwable e) { // the linker's signature; the routine throws nothing
                throw new IllegalStateException(e);
            }
            at += height * tiles;
        }
    }

    /** to[j, i] = from[i, j]; rows i and columns j are multiples of 8, at least 8. */
    static void turn(long from, long fromRow, long to, long toRow, int rows, int columns) {
        try {
            TURN.invokeExact(
                    ROUTINES.getFirst(),
                    from,
                    fromRow,
                    to,
                    toRow,
                    (long) rows / 8,
                    (long) columns / 8);
        } catch (Throwable e) { // the linker's signature; the routine throws nothing
            throw new IllegalStateException(e);
        }
    }
}
