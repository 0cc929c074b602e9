package dev.gyre.format;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * A tensor to be written, made when its turn comes.
 *
 * @param shape as in torch, outermost first
 * @param data called once; exactly the tensor's bytes, little endian, read before the next one is
 *     asked for
 */
@SuppressWarnings("ArrayRecordComponent") // as StoredTensor
public record TensorSource(
        String name, ElementType type, long[] shape, Supplier<MemorySegment> data) {
    public TensorSource {
        shape = shape.clone();
    }

    @Override
    public long[] shape() {
        return shape.clone();
    }

    /** One that exists already. */
    public static TensorSource of(StoredTensor tensor) {
        return new TensorSource(tensor.name(), tensor.type(), tensor.shape(), tensor::data);
    }

    /** Makes its data, which must have its size. */
    MemorySegment exactData() {
        MemorySegment made = data.get();
        if (made.byteSize() != bytes())
            throw new IllegalStateException(
                    "%s %s%s takes %d bytes, not %d"
                            .formatted(
                                    name, type, Arrays.toString(shape), bytes(), made.byteSize()));
        return made;
    }

    /** Its size on disk. */
    public long bytes() {
        return type.bytes(StoredTensor.elements(shape));
    }
}
