package dev.gyre.tensor.kernel;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;

/** When kernels can be used at all. */
final class Kernels {
    private static final boolean PRESENT =
            ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                    && !Boolean.getBoolean("gyre.plain");

    private Kernels() {}

    /**
     * Whether the JVM has the Vector API and all tensors are contiguous f32 in host memory. The
     * property {@code gyre.plain} switches kernels off, for comparison.
     */
    static boolean fit(Tensor... tensors) {
        if (!PRESENT) return false;
        for (Tensor t : tensors)
            if (t.dtype() != DType.F32 || t.onGpu() || !t.isContiguous()) return false;
        return true;
    }

    /** As {@link #fit}, where rows are also whole vectors. */
    static boolean fitRows(long width, Tensor... tensors) {
        return fit(tensors) && width % Lanes.COUNT == 0;
    }
}
