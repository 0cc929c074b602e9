package dev.gyre.tensor;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.PointerConsumer;
import org.bytedeco.pytorch.TensorOptions;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Host memory of large tensors, kept when they are freed and handed out again, because steps of
 * training ask for the same sizes over and over. The C library aligns a block by taking more than
 * it was asked for, so that a freed one is too small for the next tensor of its size as soon as
 * something small lies beside it; such holes were a fifth of a training process.
 *
 * <p>Blocks in use and free ones together take a tenth more at most than those in use ever took at
 * once; before that becomes more, those that lay free longest are given back to the C library.
 */
final class Blocks {
    /** Smaller tensors are the C library's own. */
    private static final long LEAST = 128 << 10;

    /** Of a tensor's first byte; libtorch's own. */
    private static final long ALIGNMENT = 64;

    /** Sizes are rounded up by an eighth of their leading power of two at most. */
    private static final int STEPS = 8;

    private record Block(Pointer memory, long size, long freed) {}

    /** A tensor's memory as JavaCPP wants it: an address. */
    private static final class Raw extends Pointer {
        Raw(long address) {
            this.address = address;
        }
    }

    private static final class TakeBack extends PointerConsumer {
        @Override
        public void call(Pointer data) {
            takeBack(data.address());
        }
    }

    private static final PointerConsumer TAKE_BACK = new TakeBack();
    private static final Map<DType, TensorOptions> OPTIONS = new EnumMap<>(DType.class);
    private static final Map<Long, Block> USED = new HashMap<>();
    private static final NavigableMap<Long, Deque<Block>> FREE = new TreeMap<>();
    private static long usedBytes;
    private static long mostUsedBytes;
    private static long freeBytes;
    private static long clock;

    static {
        for (DType type : DType.values()) OPTIONS.put(type, new TensorOptions(type.torch));
    }

    private Blocks() {}

    /** Whether a tensor of so many bytes is to be made here. */
    static boolean take(long bytes) {
        return bytes >= LEAST;
    }

    /** Uninitialised, on the host. */
    static org.bytedeco.pytorch.Tensor empty(DType type, long[] shape, long bytes) {
        return org.bytedeco.pytorch.global.torch.from_blob(
                new Raw(address(rounded(bytes))), shape, TAKE_BACK, OPTIONS.get(type));
    }

    /** Bytes taken from the C library: of blocks in use and of free ones. */
    static synchronized long taken() {
        return usedBytes + freeBytes;
    }

    /** The most bytes that were ever in use at once. */
    static synchronized long mostUsed() {
        return mostUsedBytes;
    }

    private static long rounded(long bytes) {
        long step = Long.highestOneBit(bytes) / STEPS;
        return Math.ceilDiv(bytes, step) * step;
    }

    private static synchronized long address(long size) {
        // A free one that is larger by a quarter at most.
        var fitting = FREE.ceilingEntry(size);
        Block block =
                fitting != null && fitting.getKey() <= size + size / 4
                        // The one freed last, which a cache may still hold.
                        ? free(fitting.getValue(), Deque::removeLast)
                        : made(size);
        long start = Math.ceilDiv(block.memory.address(), ALIGNMENT) * ALIGNMENT;
        USED.put(start, block);
        usedBytes += block.size;
        mostUsedBytes = Math.max(mostUsedBytes, usedBytes);
        return start;
    }

    private static Block made(long size) {
        long most = Math.max(mostUsedBytes, usedBytes + size) / 10 * 11;
        giveBack(usedBytes + freeBytes + size - most);
        Pointer memory = Pointer.malloc(size + ALIGNMENT);
        if (memory == null || memory.isNull()) {
            giveBack(freeBytes);
            memory = Pointer.malloc(size + ALIGNMENT);
        }
        if (memory == null || memory.isNull())
            throw new OutOfMemoryError(
                    "no memory for a tensor of %,d bytes; %,d are in use"
                            .formatted(size, usedBytes));
        return new Block(memory, size, 0);
    }

    /** Frees those that lay longest, until so many bytes are free or none is left. */
    private static void giveBack(long bytes) {
        long given = 0;
        while (given < bytes && !FREE.isEmpty()) {
            Deque<Block> same =
                    Collections.min(
                            FREE.values(), Comparator.comparingLong(q -> q.getFirst().freed));
            Block oldest = free(same, Deque::removeFirst);
            given += oldest.size;
            Pointer.free(oldest.memory);
        }
    }

    /** Takes a block out of the free ones of its size. */
    private static Block free(Deque<Block> same, Function<Deque<Block>, Block> which) {
        Block block = which.apply(same);
        if (same.isEmpty()) FREE.remove(block.size);
        freeBytes -= block.size;
        return block;
    }

    private static synchronized void takeBack(long address) {
        Block block = USED.remove(address);
        if (block == null) throw new IllegalStateException("no tensor's memory is at " + address);
        usedBytes -= block.size;
        freeBytes += block.size;
        FREE.computeIfAbsent(block.size, _ -> new ArrayDeque<>())
                .addLast(new Block(block.memory, block.size, ++clock));
    }
}
