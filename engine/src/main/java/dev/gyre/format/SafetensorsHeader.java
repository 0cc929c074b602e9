package dev.gyre.format;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * The header of a safetensors file, checked: every tensor lies inside, and together they fill the
 * file.
 */
record SafetensorsHeader(Map<String, StoredTensor> tensors, Map<String, String> metadata) {
    /** The reference's own limit. */
    static final long MAX_HEADER_BYTES = 100_000_000;

    static final String METADATA = "__metadata__";

    /** Far above any metadata and any shape; keeps a hostile header from filling the heap. */
    private static final int MAX_VALUES_EACH = 10_000;

    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @SuppressWarnings("ArrayRecordComponent") // as StoredTensor
    private record Entry(String name, ElementType type, long[] shape, long begin, long end) {}

    static SafetensorsHeader read(Path file, MemorySegment all) {
        if (all.byteSize() < 8) throw damaged(file, "it has only " + all.byteSize() + " bytes");
        long length = all.get(LONG, 0);
        if (length < 2 || length > MAX_HEADER_BYTES || length > all.byteSize() - 8)
            throw damaged(
                    file,
                    "its header would take %s bytes of %d"
                            .formatted(Long.toUnsignedString(length), all.byteSize()));
        var data = all.asSlice(8 + length);
        var metadata = new TreeMap<String, String>();
        var entries = new ArrayList<Entry>();
        Json.members(
                text(file, all.asSlice(8, length)),
                file + " (header)",
                MAX_VALUES_EACH,
                (name, tree) -> {
                    if (name.equals(METADATA)) {
                        if (!tree.isNull())
                            tree.entries().forEach((k, v) -> metadata.put(k, v.text()));
                    } else {
                        entries.add(entry(file, name, tree, data.byteSize()));
                    }
                });
        checkNoHoles(file, entries, data.byteSize());
        var tensors = new LinkedHashMap<String, StoredTensor>();
        for (var e : entries)
            tensors.put(
                    e.name,
                    new StoredTensor(
                            e.name, e.type, e.shape, data.asSlice(e.begin, e.end - e.begin)));
        return new SafetensorsHeader(tensors, metadata);
    }

    private static String text(Path file, MemorySegment header) {
        byte[] bytes = header.toArray(ValueLayout.JAVA_BYTE);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new UserError(damaged(file, "its header is not UTF-8 text").getMessage(), e);
        }
    }

    private static Entry entry(Path file, String name, Tree tree, long dataBytes) {
        String dtype = tree.need("dtype").text();
        var type =
                ElementType.ofSafetensors(dtype)
                        .orElseThrow(
                                () ->
                                        damaged(
                                                file,
                                                "the tensor \"%s\" has the unknown type %s"
                                                        .formatted(name, dtype)));
        var sizes = tree.need("shape").items();
        long[] shape = new long[sizes.size()];
        for (int i = 0; i < shape.length; i++) shape[i] = sizes.get(i).whole();
        var offsets = tree.need("data_offsets");
        if (offsets.items().size() != 2) throw offsets.wrong("two numbers");
        long begin = offsets.items().get(0).whole();
        long end = offsets.items().get(1).whole();
        if (begin < 0 || end < begin || end > dataBytes)
            throw damaged(
                    file,
                    "the tensor \"%s\" would lie at %d to %d of %d bytes"
                            .formatted(name, begin, end, dataBytes));
        long bytes;
        try {
            bytes = type.bytes(StoredTensor.elements(shape));
        } catch (UserError e) {
            throw new UserError(
                    damaged(file, "the tensor \"%s\": %s".formatted(name, e.getMessage()))
                            .getMessage(),
                    e);
        }
        if (bytes != end - begin)
            throw damaged(
                    file,
                    "the tensor \"%s\" has %d bytes, its shape needs %d"
                            .formatted(name, end - begin, bytes));
        return new Entry(name, type, shape, begin, end);
    }

    private static void checkNoHoles(Path file, ArrayList<Entry> entries, long dataBytes) {
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long at = 0;
        for (var e : entries) {
            if (e.begin != at)
                throw damaged(
                        file,
                        "the tensor \"%s\" begins at %d, %s"
                                .formatted(
                                        e.name,
                                        e.begin,
                                        e.begin < at
                                                ? "inside the one before it"
                                                : "after a hole"));
            at = e.end;
        }
        if (at != dataBytes)
            throw damaged(file, "its tensors end at %d of %d bytes".formatted(at, dataBytes));
    }

    private static UserError damaged(Path file, String what) {
        return FormatErrors.damaged(file, "safetensors", what);
    }
}
