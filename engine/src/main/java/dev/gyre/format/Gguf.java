package dev.gyre.format;

import dev.gyre.config.UserError;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A GGUF file (versions 2 and 3, little endian), mapped and not copied. Sizes are turned into
 * torch's order: a file's [in, out] is [out, in] here. Rows of {@code attn_q} and {@code attn_k}
 * stay permuted as the file has them.
 */
public final class Gguf implements TensorFile {
    static final int MAGIC = 0x46554747; // "GGUF"
    private static final int MAX_NAME_BYTES = 1024;
    private static final int MAX_DIMENSIONS = 4;
    static final String ALIGNMENT_KEY = "general.alignment";
    static final long DEFAULT_ALIGNMENT = 32;

    private final Path path;
    private final GgufMetadata metadata;
    private final Map<String, StoredTensor> tensors;

    @SuppressWarnings("ArrayRecordComponent") // as StoredTensor
    private record Info(String name, ElementType type, long[] shape, long offset, long bytes) {}

    private Gguf(Path path, GgufMetadata metadata, Map<String, StoredTensor> tensors) {
        this.path = path;
        this.metadata = metadata;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /**
     * Maps a file.
     *
     * @param arena how long the tensors' data may be used
     * @throws UserError when it is missing, not GGUF, of another version or byte order, one part of
     *     several, or any count, length or offset in it does not fit
     */
    public static Gguf open(Path file, Arena arena) {
        if (Files.isDirectory(file)) throw new UserError(file + " is a folder, not a .gguf file");
        Mapped.checkRegular(file);
        return read(file, Mapped.read(file, arena));
    }

    static Gguf read(Path file, MemorySegment all) {
        var in = new GgufCursor(file, all);
        if (all.byteSize() < 4 || in.i32() != MAGIC)
            throw new UserError(file + " is not a GGUF file: it does not begin with \"GGUF\"");
        checkVersion(file, in.u32());
        long tensorCount = in.count("tensors", 8 + 4 + 4 + 8);
        long keyCount = in.count("metadata keys", 8 + 4 + 1);
        var metadata = new GgufValues(in).read(file, keyCount);
        if (metadata.wholeOr("split.count", 1) > 1)
            throw new UserError(
                    file
                            + " is one of "
                            + metadata.whole("split.count")
                            + " parts. Join them first, with llama.cpp's llama-gguf-split"
                            + " --merge.");
        long alignment = metadata.wholeOr(ALIGNMENT_KEY, DEFAULT_ALIGNMENT);
        if (alignment < 1 || alignment > 1 << 30 || Long.bitCount(alignment) != 1)
            throw in.damaged("general.alignment is " + alignment + ", not a power of two");
        var infos = new ArrayList<Info>();
        for (long i = 0; i < tensorCount; i++) infos.add(info(in, alignment));
        long dataAt = align(in.at(), alignment);
        if (dataAt > all.byteSize()) {
            if (infos.stream().anyMatch(i -> i.bytes > 0))
                throw in.damaged("it ends before its tensors");
            dataAt = all.byteSize();
        }
        var data = all.asSlice(dataAt);
        checkPlaces(in, infos, alignment, data.byteSize());
        var tensors = new LinkedHashMap<String, StoredTensor>();
        for (var i : infos) {
            var tensor = new StoredTensor(i.name, i.type, i.shape, data.asSlice(i.offset, i.bytes));
            if (tensors.put(i.name, tensor) != null)
                throw in.damaged("the tensor \"" + i.name + "\" is there twice");
        }
        return new Gguf(file, metadata, tensors);
    }

    private static void checkVersion(Path file, long version) {
        if ((version & 0xFFFF) == 0 && version != 0)
            throw new UserError(
                    file
                            + " is a big-endian GGUF file; only little-endian ones are read."
                            + " gguf-py's gguf-convert-endian turns it round.");
        if (version < 2 || version > 3)
            throw new UserError(
                    "%s is GGUF version %d; versions 2 and 3 are read. Get a newer file of this model."
                            .formatted(file, version));
    }

    private static Info info(GgufCursor in, long alignment) {
        String name = in.text("a tensor's name", MAX_NAME_BYTES);
        long dimensions = in.u32();
        if (dimensions > MAX_DIMENSIONS)
            throw in.damaged("the tensor \"%s\" has %d dimensions".formatted(name, dimensions));
        long[] shape = new long[(int) dimensions];
        for (int d = shape.length - 1; d >= 0; d--) shape[d] = in.i64();
        long id = in.u32();
        var type =
                ElementType.ofGguf(id)
                        .orElseThrow(
                                () ->
                                        in.damaged(
                                                "the tensor \"%s\" has the unknown type %d"
                                                        .formatted(name, id)));
        long offset = in.i64();
        if (offset < 0 || offset % alignment != 0)
            throw in.damaged(
                    "the tensor \"%s\" begins at %s, which is not a multiple of %d"
                            .formatted(name, Long.toUnsignedString(offset), alignment));
        try {
            long elements = StoredTensor.elements(shape);
            long row = shape.length == 0 ? 1 : shape[shape.length - 1];
            var _ = type.bytes(row); // blocks never cross rows
            return new Info(name, type, shape, offset, type.bytes(elements));
        } catch (UserError e) {
            throw new UserError(
                    in.damaged("the tensor \"%s\": %s".formatted(name, e.getMessage()))
                            .getMessage(),
                    e);
        }
    }

    /** One after another, each padded to the alignment, as the library insists. */
    private static void checkPlaces(
            GgufCursor in, List<Info> infos, long alignment, long dataBytes) {
        var sorted = new ArrayList<>(infos);
        sorted.sort(Comparator.comparingLong(Info::offset).thenComparingLong(Info::bytes));
        long at = 0;
        for (var i : sorted) {
            if (i.offset > dataBytes || i.bytes > dataBytes - i.offset)
                throw in.damaged(
                        "the tensor \"%s\" would take %d bytes at %d of %d"
                                .formatted(i.name, i.bytes, i.offset, dataBytes));
            if (i.offset != at)
                throw in.damaged(
                        "the tensor \"%s\" begins at %d, %s"
                                .formatted(
                                        i.name,
                                        i.offset,
                                        i.offset < at
                                                ? "inside the one before it"
                                                : "after a hole"));
            at = align(i.offset + i.bytes, alignment);
        }
    }

    static long align(long at, long alignment) {
        return (at + alignment - 1) / alignment * alignment;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Map<String, StoredTensor> tensors() {
        return tensors;
    }

    /** The typed keys and values of the header. */
    public GgufMetadata metadata() {
        return metadata;
    }

    /**
     * Writes a file, atomically: whatever goes wrong, the old file stays and nothing half-written
     * is left. Each tensor is made when its turn comes, so that only one is in memory.
     *
     * @throws UserError when a tensor's name, type or shape is none of GGUF's, the disk is full or
     *     the place not writable
     */
    public static void write(Path file, GgufKeys keys, List<TensorSource> tensors) {
        AtomicFile.write(file, content(keys, tensors));
    }

    /** What {@link #write} writes, for files that belong together. */
    public static AtomicFile.Content content(GgufKeys keys, List<TensorSource> tensors) {
        return GgufWriter.content(keys, tensors);
    }
}
