package dev.gyre.format;

import dev.gyre.config.UserError;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A tensor as it lies in a file: not decoded, not copied.
 *
 * @param type how its elements lie in {@code data}
 * @param shape as in torch, outermost first; empty for a single number
 * @param data exactly its bytes, little endian; lives as long as the arena that the file was opened
 *     with
 */
@SuppressWarnings(
        "ArrayRecordComponent") // a shape is read in loops, and nobody compares stored tensors
public record StoredTensor(String name, ElementType type, long[] shape, MemorySegment data) {
    public StoredTensor {
        shape = shape.clone();
        long bytes = type.bytes(elements(shape));
        if (data.byteSize() != bytes)
            throw new UserError(
                    "%s %s%s takes %d bytes, not %d"
                            .formatted(name, type, Arrays.toString(shape), bytes, data.byteSize()));
    }

    @Override
    public long[] shape() {
        return shape.clone();
    }

    /** How many numbers it holds. */
    public long elements() {
        return elements(shape);
    }

    /** Length of the innermost dimension; 1 for a single number. */
    public long rowElements() {
        return shape.length == 0 ? 1 : shape[shape.length - 1];
    }

    /** The product of a shape, checked. */
    static long elements(long... shape) {
        long product = 1;
        for (long size : shape) {
            if (size < 0)
                throw new UserError("a dimension of " + size + " in " + Arrays.toString(shape));
            if (size > 0 && product > Long.MAX_VALUE / size)
                throw new UserError(
                        "the shape " + Arrays.toString(shape) + " has too many elements");
            product *= size;
        }
        return product;
    }

    @Override
    public String toString() {
        return name + " " + type + Arrays.toString(shape);
    }
}
