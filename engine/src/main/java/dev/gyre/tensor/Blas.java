package dev.gyre.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The BLAS under libtorch. MKL has worker threads of its own beside libtorch's: where libtorch
 * already shares the work out among its threads, small products inside must not be shared out
 * again, or both sets of threads wait for each other.
 */
final class Blas {
    private Blas() {}

    private static final class Mkl {
        static final Optional<MethodHandle> SET_THREADS =
                SymbolLookup.loaderLookup().find("MKL_Set_Num_Threads").map(Mkl::handle);

        @SuppressWarnings("restricted") // one function of MKL that libtorch does not offer
        private static MethodHandle handle(java.lang.foreign.MemorySegment address) {
            return Linker.nativeLinker()
                    .downcallHandle(address, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
        }
    }

    /**
     * Runs native work in which each product of the BLAS keeps to one thread; where MKL is not
     * there, as it is.
     */
    static <T> T serially(Supplier<T> work) {
        if (Mkl.SET_THREADS.isEmpty()) return work.get();
        threads(1);
        try {
            return work.get();
        } finally {
            threads(Torch.threads());
        }
    }

    /** Threads of MKL's own; does nothing where MKL is not there. */
    static void threads(int count) {
        Mkl.SET_THREADS.ifPresent(
                set -> {
                    try {
                        set.invokeExact(count);
                    } catch (Throwable e) { // the linker's signature; MKL's function throws nothing
                        throw new IllegalStateException(e);
                    }
                });
    }
}
