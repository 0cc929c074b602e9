package dev.gyre.format;

import dev.gyre.config.UserError;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;

/**
 * GGUF version 3 as ggml lays it out: header, keys, tensors' descriptions, and their data in the
 * same order, each padded to the alignment.
 */
final class GgufWriter {
    /** ggml keeps names in 64 bytes with a zero at the end. */
    private static final int MAX_NAME_BYTES = 63;

    private static final int MAX_DIMENSIONS = 4;

    private GgufWriter() {}

    static AtomicFile.Content content(GgufKeys keys, List<TensorSource> tensors) {
        long alignment = keys.alignment();
        if (alignment < 1 || Long.bitCount(alignment) != 1)
            throw new IllegalArgumentException(
                    Gguf.ALIGNMENT_KEY + " is " + alignment + ", not a power of two");
        check(tensors);
        return channel -> writeTo(channel, keys, tensors, alignment);
    }

    private static void check(List<TensorSource> tensors) {
        var names = new HashSet<String>();
        for (var tensor : tensors) {
            if (!names.add(tensor.name()))
                throw new IllegalArgumentException("the name \"" + tensor.name() + "\" is taken");
            if (tensor.name().getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES)
                throw new UserError(
                        "the name \"%s\" is longer than the %d bytes that GGUF allows"
                                .formatted(tensor.name(), MAX_NAME_BYTES));
            if (!tensor.type().inGguf())
                throw new UserError(
                        "%s is stored as %s, which GGUF lacks; decode it first"
                                .formatted(tensor.name(), tensor.type()));
            long[] shape = tensor.shape();
            if (shape.length == 0 || shape.length > MAX_DIMENSIONS)
                throw new UserError(
                        "%s has %d dimensions; GGUF allows 1 to %d"
                                .formatted(tensor.name(), shape.length, MAX_DIMENSIONS));
            var _ = tensor.type().bytes(shape[shape.length - 1]); // blocks never cross rows
        }
    }

    private static void writeTo(
            FileChannel channel, GgufKeys keys, List<TensorSource> tensors, long alignment)
            throws IOException {
        byte[] header = header(keys, tensors, alignment);
        AtomicFile.writeAll(channel, ByteBuffer.wrap(header));
        pad(channel, header.length, alignment);
        for (var tensor : tensors) {
            MemorySegment data = tensor.exactData();
            AtomicFile.writeAll(channel, data);
            pad(channel, data.byteSize(), alignment);
        }
    }

    private static byte[] header(GgufKeys keys, List<TensorSource> tensors, long alignment) {
        var out = new ByteArrayOutputStream();
        GgufType.fixed(out, 4, Gguf.MAGIC);
        GgufType.fixed(out, 4, 3);
        GgufType.fixed(out, 8, tensors.size());
        GgufType.fixed(out, 8, keys.count());
        keys.append(out);
        long offset = 0;
        for (var tensor : tensors) {
            GgufType.text(out, tensor.name());
            long[] shape = tensor.shape();
            GgufType.fixed(out, 4, shape.length);
            for (int d = shape.length - 1; d >= 0; d--) GgufType.fixed(out, 8, shape[d]);
            GgufType.fixed(out, 4, tensor.type().ggufId());
            GgufType.fixed(out, 8, offset);
            offset = Gguf.align(offset + tensor.bytes(), alignment);
        }
        return out.toByteArray();
    }

    private static void pad(FileChannel channel, long at, long alignment) throws IOException {
        AtomicFile.writeAll(channel, ByteBuffer.allocate((int) (Gguf.align(at, alignment) - at)));
    }
}
