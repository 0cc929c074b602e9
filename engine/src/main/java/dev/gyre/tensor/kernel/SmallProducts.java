package dev.gyre.tensor.kernel;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * libtorch's small products of bf16 matrices with sums in f32, oneDNN's brgemm underneath: the one
 * way to a processor's matrix tiles (AMX) whose results are not rounded to bf16 again. libtorch
 * offers it to its own kernels only, so its names are the C++ compiler's; where one is missing, or
 * the processor has no tiles, there is none.
 */
final class SmallProducts {
    private static final String BRGEMM =
            "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb";
    private static final String RELEASE = "_ZN2at6native7cpublas14brgemm_releaseEb";
    private static final String TILES = "_ZN2at3cpu21is_amx_tile_supportedEv";

    private static final Optional<MethodHandle> PRODUCT =
            find(
                    BRGEMM,
                    FunctionDescriptor.ofVoid(
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_BOOLEAN,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_BOOLEAN));

    private static final Optional<MethodHandle> DONE =
            find(RELEASE, FunctionDescriptor.ofVoid(ValueLayout.JAVA_BOOLEAN));

    /** Whether they are there, on tiles. */
    static final boolean PRESENT = PRODUCT.isPresent() && DONE.isPresent() && tiles();

    private SmallProducts() {}

    @SuppressWarnings("restricted") // functions that libtorch's own interface does not offer
    private static Optional<MethodHandle> find(String name, FunctionDescriptor type) {
        return SymbolLookup.loaderLookup()
                .find(name)
                .map((MemorySegment at) -> Linker.nativeLinker().downcallHandle(at, type));
    }

    private static boolean tiles() {
        Optional<MethodHandle> supported =
                find(TILES, FunctionDescriptor.of(ValueLayout.JAVA_BOOLEAN));
        try {
            return supported.isPresent() && (boolean) supported.get().invokeExact();
        } catch (Throwable e) { // the linker's signature; the function throws nothing
            throw new IllegalStateException(e);
        }
    }

    /**
     * c (+)= a·b. Addresses; distances between rows in elements.
     *
     * @param a [rows, steps], bf16
     * @param b [steps/2, columns, 2], bf16: two steps of a column side by side
     * @param c [rows, columns], f32
     */
    static void product(
            int rows,
            int columns,
            int steps,
            long a,
            long aRow,
            long b,
            long bRow,
            long c,
            long cRow,
            boolean add) {
        try {
            PRODUCT.orElseThrow()
                    .invokeExact(
                            (long) rows,
                            (long) columns,
                            (long) steps,
                            aRow,
                            bRow,
                            cRow,
                            add,
                            a,
                            b,
                            c,
                            true);
        } catch (Throwable e) { // the linker's signature; the function throws nothing
            throw new IllegalStateException(e);
        }
    }

    /** To be called when a thread is done for a while: gives the tiles back. */
    static void done() {
        try {
            DONE.orElseThrow().invokeExact(true);
        } catch (Throwable e) { // the linker's signature; the function throws nothing
            throw new IllegalStateException(e);
        }
    }
}
