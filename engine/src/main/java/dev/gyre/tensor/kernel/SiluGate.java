package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Lanes.BYTES;
import static dev.gyre.tensor.kernel.Lanes.load;
import static dev.gyre.tensor.kernel.Lanes.store;

import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.FloatVector;

/**
 * silu(gate) ⊙ up, the gate of SwiGLU (arXiv 2002.05202, section 2), and its gradients. All tensors
 * are [N, m]. Asked for only where {@link Kernels#fitGate} says so.
 */
public final class SiluGate {
    /** Numbers that one thread takes at a time. */
    private static final int STRETCH = 4096;

    private SiluGate() {}

    /** y = gate · σ(gate) · up. */
    public static void gate(Tensor gate, Tensor up, Tensor y) {
        long g = Lanes.address(gate);
        long u = Lanes.address(up);
        long to = Lanes.address(y);
        overStretches(gate.elements(), (from, end) -> forward(g, u, to, from, end));
    }

    private static void forward(long g, long u, long y, long from, long end) {
        for (long j = from; j < end; j += BYTES) {
            FloatVector x = load(g + j);
            store(x.mul(Lanes.sigmoid(x)).mul(load(u + j)), y + j);
        }
    }

    /** dgate = dy · up · σ(1 + gate(1 − σ)) and dup = dy · gate · σ. */
    public static void back(Tensor gate, Tensor up, Tensor dy, Tensor dgate, Tensor dup) {
        long g = Lanes.address(gate);
        long u = Lanes.address(up);
        long d = Lanes.address(dy);
        long dg = Lanes.address(dgate);
        long du = Lanes.address(dup);
        overStretches(gate.elements(), (from, end) -> backward(g, u, d, dg, du, from, end));
    }

    private static void backward(long g, long u, long d, long dg, long du, long from, long end) {
        for (long j = from; j < end; j += BYTES) {
            FloatVector x = load(g + j);
            FloatVector s = Lanes.sigmoid(x);
            FloatVector dy = load(d + j);
            FloatVector silu = x.mul(s);
            // σ(1 + x(1 − σ)) = σ + silu · (1 − σ)
            FloatVector slope = silu.neg().fma(s, silu.add(s));
            store(dy.mul(silu), du + j);
            store(dy.mul(load(u + j)).mul(slope), dg + j);
        }
    }

    @FunctionalInterface
    private interface Stretch {
        /** Bytes from … to−1. */
        void run(long from, long to);
    }

    private static void overStretches(long elements, Stretch stretch) {
        long bytes = 4 * elements;
        long size = 4L * STRETCH;
        Workers.share(
                Math.toIntExact(Math.ceilDiv(bytes, size)),
                (from, to) -> stretch.run(from * size, Math.min(bytes, to * size)));
    }
}
