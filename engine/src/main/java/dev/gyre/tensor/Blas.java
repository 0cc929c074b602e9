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
                find("MKL_Set_Num_Threads", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
        static final Optional<MethodHandle> SET_THREADS_HERE =
                find(
                        "MKL_Set_Num_Threads_Local",
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

        @SuppressWarnings("restricted") // functions of MKL that libtorch does not offer
        private static Optional<MethodHandle> find(String name, FunctionDescriptor type) {
            return SymbolLookup.loaderLookup()
                    .find(name)
                    .map(address -> Linker.nativeLinker().downcallHandle(address, type));
        }
    }

    /**
     * Runs native work in which each product of the BLAS keeps to one thread; where MKL is not
     * there, as it is.
     */
    static <T> T serially(Supplier<T> work) {
        int before = threadsHere(1);
        try {
            return work.get();
        } finally {
            threadsHere(before);
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

    /**
     * Threads of MKL's own for products asked for by this thread; 0 for {@link #threads}.
     *
     * @return what held before
     */
    static int threadsHere(int count) {
        if (Mkl.SET_THREADS_HERE.isEmpty()) return 0;
        try {
            return (int) Mkl.SET_THREADS_HERE.get().invokeExact(count);
        } catch (Throwable e) { // the linker's signature; MKL's function throws nothing
            throw new IllegalStateException(e);
        }
    }
}
