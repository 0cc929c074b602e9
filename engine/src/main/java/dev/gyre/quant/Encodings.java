package dev.gyre.quant;

import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.StoredTensor;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The encodings that can be read, one file each, and the reading of stored tensors into f32. */
public final class Encodings {
    private static final List<BlockDecoder> ALL =
            List.of(
                    new PlainF32(),
                    new PlainF16(),
                    new PlainBf16(),
                    new Q40(),
                    new Q41(),
                    new Q50(),
                    new Q51(),
                    new Q80(),
                    new Q4K(),
                    new Q5K(),
                    new Q6K());

    private static final Map<ElementType, BlockDecoder> BY_TYPE = new EnumMap<>(ElementType.class);

    static {
        for (var decoder : ALL) BY_TYPE.put(decoder.type(), decoder);
    }

    private static final long PART = 1 << 30;

    private Encodings() {}

    /**
     * A stored tensor as rows; all but its innermost dimension count as one.
     *
     * @throws UserError when its type cannot be read
     */
    public static RowSource rows(StoredTensor tensor) {
        var _ = decoder(tensor);
        long columns = tensor.rowElements();
        long rows = columns == 0 ? 0 : tensor.elements() / columns;
        return new StoredRows(tensor, rows, columns);
    }

    private record StoredRows(StoredTensor tensor, long rows, long columns) implements RowSource {
        @Override
        public void decode(long firstRow, long count, MemorySegment out) {
            decodeRows(tensor, firstRow, count, out);
        }

        @Override
        public String encoding() {
            return tensor.type().name().toLowerCase(Locale.ROOT);
        }

        @Override
        public long bytes() {
            return tensor.data().byteSize();
        }
    }

    /** The types that can be written. */
    public static Set<ElementType> writable() {
        return BY_TYPE.values().stream()
                .filter(BlockEncoder.class::isInstance)
                .map(BlockDecoder::type)
                .collect(Collectors.toUnmodifiableSet());
    }

    static BlockEncoder encoder(ElementType type) {
        if (BY_TYPE.get(type) instanceof BlockEncoder encoder) return encoder;
        throw new UserError(
                "%s cannot be written; known: %s".formatted(type, new TreeSet<>(writable())));
    }

    /** The types that can be decoded. */
    public static Set<ElementType> readable() {
        return Set.copyOf(BY_TYPE.keySet());
    }

    /**
     * All numbers of a tensor, row after row.
     *
     * @throws UserError when its type cannot be read, or it is too large for an array (2^31
     *     numbers)
     */
    public static float[] decode(StoredTensor tensor) {
        if (tensor.elements() > Integer.MAX_VALUE - 8)
            throw new UserError(
                    tensor + " is too large for one array; decode it in ranges of rows");
        float[] out = new float[(int) tensor.elements()];
        run(tensor, 0, out.length, MemorySegment.ofArray(out));
        return out;
    }

    /**
     * All numbers of a tensor into native or heap memory of 4 bytes each.
     *
     * @throws UserError when its type cannot be read
     */
    public static void decode(StoredTensor tensor, MemorySegment out) {
        run(tensor, 0, tensor.elements(), out);
    }

    /**
     * Some rows (a row is the innermost dimension; blocks never cross rows).
     *
     * @param out f32, rows × row length × 4 bytes
     * @throws UserError when its type cannot be read
     */
    public static void decodeRows(
            StoredTensor tensor, long firstRow, long rows, MemorySegment out) {
        long row = tensor.rowElements();
        Objects.checkFromIndexSize(firstRow, rows, row == 0 ? 0 : tensor.elements() / row);
        run(tensor, firstRow * row, rows * row, out);
    }

    private static BlockDecoder decoder(StoredTensor tensor) {
        var decoder = BY_TYPE.get(tensor.type());
        if (decoder == null)
            throw new UserError(
                    "%s is stored as %s, which cannot be read yet; readable: %s. Use the model in one of these."
                            .formatted(tensor.name(), tensor.type(), BY_TYPE.keySet()));
        return decoder;
    }

    private static void run(StoredTensor tensor, long first, long count, MemorySegment out) {
        var decoder = decoder(tensor);
        if (out.byteSize() != 4 * count)
            throw new IllegalArgumentException(
                    count + " numbers do not fill " + out.byteSize() + " bytes");
        int per = tensor.type().blockElements();
        long size = tensor.type().blockBytes();
        // In parts that a number of blocks can count.
        for (long done = 0; done < count; done += PART) {
            long n = Math.min(PART, count - done);
            decoder.decode(
                    tensor.data().asSlice((first + done) / per * size, n / per * size),
                    out.asSlice(4 * done, 4 * n),
                    Math.toIntExact(n / per));
        }
    }
}
