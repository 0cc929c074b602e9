package dev.gyre.tensor.kernel;

import dev.gyre.tensor.Tensor;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Vectors of f32 over tensor memory, by absolute address. Addresses come from {@link #address},
 * which has checked the tensor; nothing is checked after that, so a kernel's loops must stay
 * inside.
 *
 * <p>Inside a loop, what a method is called on should be a vector just loaded or computed, {@code
 * load(x).add(m)}. The largest number of a row was once found ten times slower by {@code
 * m.max(load(x))}: where a loop carries round what is called, or a branch chose it, the compiler
 * may lose sight of its class and make objects of vectors.
 */
final class Lanes {
    /*
     * The JVM's own check of each access asks whether it lies in the segment, and ours is all of
     * memory. Without it rotations were a third faster on AVX2. The property is read once, at the
     * first access.
     */
    static {
        String check = "jdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK";
        if (System.getProperty(check) == null) System.setProperty(check, "0");
    }

    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

    /** Numbers in a vector. */
    static final int COUNT = SPECIES.length();

    /** Bytes of a vector. */
    static final long BYTES = 4L * COUNT;

    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    @SuppressWarnings("restricted") // all of memory: the bounds are the kernels' own
    static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /**
     * All addresses that a program can have. Where the compiler sees that an address lies in them,
     * it leaves out the check of bounds, which would cost more than the access.
     */
    private static final long ADDRESSES = (1L << 57) - 1;

    private static final long OFFSETS = (1L << 32) - 1;

    private Lanes() {}

    static long address(Tensor tensor) {
        return tensor.segment().address();
    }

    static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(SPECIES, MEMORY, address, ORDER);
    }

    static void store(FloatVector v, long address) {
        v.intoMemorySegment(MEMORY, address, ORDER);
    }

    static void store(ByteVector v, long address) {
        v.intoMemorySegment(MEMORY, address, ORDER);
    }

    static ByteVector bytes(VectorSpecies<Byte> species, long address) {
        return ByteVector.fromMemorySegment(species, MEMORY, address, ORDER);
    }

    static int signedByte(long address) {
        return MEMORY.get(ValueLayout.JAVA_BYTE, address);
    }

    static float get(long address) {
        return MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address & ADDRESSES);
    }

    /**
     * The number so many bytes, up to 4 GiB, behind an address. What is read at several offsets of
     * one address costs the compiler's proof that it lies in memory only once.
     */
    static float get(long address, long offset) {
        return MEMORY.get(
                ValueLayout.JAVA_FLOAT_UNALIGNED, (address & ADDRESSES) + (offset & OFFSETS));
    }

    static void set(long address, float value) {
        MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address & ADDRESSES, value);
    }

    /** What {@link #touch} read last, so that the compiler takes its reading for needed. */
    @SuppressWarnings("UnusedVariable")
    private static float touched;

    /** Brings so many bytes into the caches, in memory's order. Java has no prefetch. */
    static void touch(long address, long bytes) {
        float sum = 0;
        for (long j = 0; j < bytes; j += 64) sum += get(address, j);
        touched = sum;
    }

    /** One number in all lanes. */
    static FloatVector all(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    static FloatVector zero() {
        return FloatVector.zero(SPECIES);
    }

    /**
     * The sum of the lanes, always in the same order. {@code reduceLanes} leaves the order open: an
     * interpreted call and a compiled one round differently, so a run's numbers would depend on
     * when the compiler gets to it.
     */
    static float sum(FloatVector v) {
        FloatVector s = v;
        for (int by = COUNT / 2; by > 8; by /= 2) s = s.add(s.rearrange(Turn.swap(by)));
        if (COUNT > 8) s = s.add(s.rearrange(Turn.BY_8));
        if (COUNT > 4) s = s.add(s.rearrange(Turn.BY_4));
        if (COUNT > 2) s = s.add(s.rearrange(Turn.BY_2));
        return s.add(s.rearrange(Turn.BY_1)).lane(0);
    }

    /** Σ x · y of whole vectors. */
    static float dot(long x, long y, long bytes) {
        FloatVector sum = zero();
        for (long j = 0; j < bytes; j += BYTES) sum = load(x + j).fma(load(y + j), sum);
        return sum(sum);
    }

    /**
     * The largest of a row's numbers, those that are not numbers left out. (Java's max looks at
     * signs of zeros and at what is no number, five instructions instead of these two.)
     */
    static float most(long row, long bytes) {
        FloatVector m = load(row);
        for (long j = BYTES; j < bytes; j += BYTES) {
            FloatVector x = load(row + j);
            m = x.blend(m, x.compare(VectorOperators.LT, m));
        }
        return m.reduceLanes(VectorOperators.MAX);
    }

    /** So many bytes from one place to another; the two do not overlap. */
    static void copy(long from, long to, long bytes) {
        MemorySegment.copy(MEMORY, from & ADDRESSES, MEMORY, to & ADDRESSES, bytes);
    }

    /** to = f · x + g · y, whole vectors; {@code to} may be x or y. */
    static void combine(long x, float f, long y, float g, long to, long bytes) {
        FloatVector ofX = all(f);
        FloatVector ofY = all(g);
        for (long j = 0; j < bytes; j += BYTES)
            store(load(x + j).mul(ofX).add(load(y + j).mul(ofY)), to + j);
    }

    /** All numbers of a row times one. */
    static void scale(long row, long bytes, float factor) {
        FloatVector f = all(factor);
        for (long j = 0; j < bytes; j += BYTES) store(load(row + j).mul(f), row + j);
    }

    /** x, or where it is less the bound; what is no number stays. */
    static FloatVector atLeast(FloatVector x, float bound) {
        return x.blend(bound, x.compare(VectorOperators.LT, bound));
    }

    private static FloatVector atMost(FloatVector x, float bound) {
        return x.blend(bound, x.compare(VectorOperators.GT, bound));
    }

    private static final float LOG2_E = 1.442695f;
    private static final float LN2_HIGH = 0.6933594f;
    private static final float LN2_LOW = -2.1219444e-4f;
    private static final float ROUND = 12582912f; // 1.5 · 2²³: adding it rounds to whole numbers

    /** e^x within 2.5e-7 of its size, for x in [−87.3, 88.3] and held there beyond. */
    static FloatVector exp(FloatVector x) {
        return expInRange(atMost(atLeast(x, -87.3f), 88.3f));
    }

    /**
     * The same for x that lies there: x = n·ln 2 + r, e^r by a polynomial of degree 6, 2ⁿ by the
     * exponent's bits.
     */
    static FloatVector expInRange(FloatVector v) {
        FloatVector shifted = v.fma(all(LOG2_E), all(ROUND));
        FloatVector n = shifted.sub(ROUND);
        FloatVector r = n.fma(all(-LN2_HIGH), v);
        r = n.fma(all(-LN2_LOW), r);
        FloatVector p = all(1.9875691e-4f);
        p = p.fma(r, all(1.3981999e-3f));
        p = p.fma(r, all(8.333452e-3f));
        p = p.fma(r, all(4.1665796e-2f));
        p = p.fma(r, all(0.16666666f));
        p = p.fma(r, all(0.5f));
        p = p.fma(r.mul(r), r).add(1f);
        var bits = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return p.reinterpretAsInts().add(bits).reinterpretAsFloats();
    }

    /** 1 / (1 + e^−x). */
    static FloatVector sigmoid(FloatVector x) {
        return all(1).div(exp(x.neg()).add(1f));
    }
}
