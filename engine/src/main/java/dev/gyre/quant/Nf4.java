package dev.gyre.quant;

import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * A matrix in NF4 with double quantisation (QLoRA, arXiv 2305.14314), as bitsandbytes keeps it.
 * Blocks of {@code block} numbers, across rows, have a largest magnitude a; w ≈ code[q]·a with
 * sixteen codes, two a byte, the first in the upper four bits. a ≈ map[q8]·a2 + offset itself, in
 * blocks of {@code nestedBlock}. Products in f32 as written here.
 *
 * @param packed ⌈rows·columns / 2⌉ bytes
 * @param absmax q8 of each block, or a in f32 where {@code nested} is null
 */
public record Nf4(
        long rows,
        long columns,
        int block,
        MemorySegment packed,
        MemorySegment absmax,
        @Nullable Nested nested)
        implements RowSource {
    /** Blocks of bitsandbytes and of QLoRA. */
    static final int BLOCK = 64;

    static final int NESTED_BLOCK = 256;

    private static final float[] CODE = {
        -1.0f,
        -0.6961928f,
        -0.52507305f,
        -0.3949175f,
        -0.28444138f,
        -0.18477343f,
        -0.091050036f,
        0.0f,
        0.0795803f,
        0.1609302f,
        0.2461123f,
        0.33791524f,
        0.44070983f,
        0.562617f,
        0.72295684f,
        1.0f
    };

    /** Halfway between neighbours. */
    private static final float[] BOUNDS = bounds();

    /**
     * How the blocks' largest magnitudes are themselves encoded.
     *
     * @param scales a2, f32, one for each {@code block} of them
     * @param map 256 numbers, f32
     */
    record Nested(MemorySegment scales, MemorySegment map, int block, float offset) {}

    private static float[] bounds() {
        float[] bounds = new float[CODE.length - 1];
        for (int i = 0; i < bounds.length; i++)
            bounds[i] = (float) (((double) CODE[i] + CODE[i + 1]) / 2);
        return bounds;
    }

    /** A copy of the sixteen codes, ascending. */
    static float[] code() {
        return CODE.clone();
    }

    /** The code of a number in [−1, 1]; one on a bound goes down. */
    static int index(float value) {
        int q = 0;
        for (int step = 8; step > 0; step /= 2) if (value > BOUNDS[q + step - 1]) q += step;
        return q;
    }

    /** The largest magnitude of a block, as it was or as it is decoded. */
    private float absmax(long index) {
        if (nested == null) return absmax.get(Floats.LAYOUT, 4 * index);
        int q = absmax.get(ValueLayout.JAVA_BYTE, index) & 0xFF;
        float scale = nested.scales.get(Floats.LAYOUT, 4 * (index / nested.block));
        return nested.map.get(Floats.LAYOUT, 4L * q) * scale + nested.offset;
    }

    @Override
    public void decode(long firstRow, long count, MemorySegment out) {
        Objects.checkFromIndexSize(firstRow, count, rows);
        long from = firstRow * columns;
        long to = from + count * columns;
        float[] scaled = new float[CODE.length];
        float[] values = new float[block];
        byte[] bytes = new byte[block / 2];
        for (long b = from / block; b * block < to; b++) {
            float a = absmax(b);
            for (int q = 0; q < CODE.length; q++) scaled[q] = CODE[q] * a;
            int n = (int) Math.min(block, rows * columns - b * block);
            MemorySegment.copy(
                    packed, ValueLayout.JAVA_BYTE, b * block / 2, bytes, 0, Math.ceilDiv(n, 2));
            for (int i = 0; i < n; i += 2) {
                values[i] = scaled[(bytes[i / 2] >> 4) & 15];
                values[i + 1] = scaled[bytes[i / 2] & 15];
            }
            long begin = Math.max(from, b * block);
            long end = Math.min(to, b * block + n);
            MemorySegment.copy(
                    values,
                    (int) (begin - b * block),
                    out,
                    Floats.LAYOUT,
                    4 * (begin - from),
                    (int) (end - begin));
        }
    }

    @Override
    public String encoding() {
        return "nf4";
    }

    @Override
    public long bytes() {
        long own = packed.byteSize() + absmax.byteSize();
        return nested == null ? own : own + nested.scales.byteSize() + nested.map.byteSize();
    }

    /**
     * Encodes a matrix. The offset is the mean of the blocks' largest magnitudes.
     *
     * @param name for messages
     * @param arena how long the codes live
     * @throws UserError when a number is not finite
     */
    public static Nf4 of(String name, RowSource source, Arena arena) {
        long elements = source.rows() * source.columns();
        MemorySegment packed = arena.allocate(Math.ceilDiv(elements, 2), 64);
        float[] absmax = new float[Math.toIntExact(Math.ceilDiv(elements, BLOCK))];
        // chunks of whole blocks, so that no two threads meet in one
        RowChunks.each(
                source,
                BLOCK,
                (_, firstRow, rows, values) -> {
                    int columns = (int) source.columns();
                    for (int r = 0; r < rows; r++)
                        Quantiser.checkFinite(name, firstRow + r, values, r * columns, columns);
                    byte[] made =
                            encode(values, rows * columns, firstRow * columns / BLOCK, absmax);
                    MemorySegment.copy(
                            made,
                            0,
                            packed,
                            ValueLayout.JAVA_BYTE,
                            firstRow * columns / 2,
                            made.length);
                });
        return new Nf4(
                        source.rows(),
                        source.columns(),
                        BLOCK,
                        packed,
                        MemorySegment.ofArray(new byte[absmax.length]),
                        null)
                .nested(absmax);
    }

    /** The packed codes of n numbers, whose blocks are those from {@code first} on. */
    private static byte[] encode(float[] values, int n, long first, float[] absmax) {
        byte[] packed = new byte[Math.ceilDiv(n, 2)];
        for (int from = 0; from < n; from += BLOCK) {
            int to = Math.min(n, from + BLOCK);
            float most = 0;
            for (int i = from; i < to; i++) most = Math.max(most, Math.abs(values[i]));
            absmax[(int) first + from / BLOCK] = most;
            float inverse = 1 / Math.max(most, 1e-38f);
            for (int i = from; i < to; i += 2) {
                int high = index(Math.clamp(values[i] * inverse, -1f, 1f));
                int low = i + 1 < to ? index(Math.clamp(values[i + 1] * inverse, -1f, 1f)) : 0;
                packed[i / 2] = (byte) (high << 4 | low);
            }
        }
        return packed;
    }

    private Nf4 nested(float[] a) {
        double sum = 0;
        for (float one : a) sum += one;
        float offset = a.length == 0 ? 0 : (float) (sum / a.length);
        byte[] codes = new byte[a.length];
        float[] scales = new float[Math.ceilDiv(a.length, NESTED_BLOCK)];
        for (int from = 0; from < a.length; from += NESTED_BLOCK) {
            int to = Math.min(a.length, from + NESTED_BLOCK);
            float most = 0;
            for (int i = from; i < to; i++) most = Math.max(most, Math.abs(a[i] - offset));
            scales[from / NESTED_BLOCK] = most;
            float inverse = most > 0 ? 1 / most : 0;
            for (int i = from; i < to; i++)
                codes[i] = (byte) DynamicMap.index(Math.clamp((a[i] - offset) * inverse, -1f, 1f));
        }
        var how =
                new Nested(
                        MemorySegment.ofArray(Floats.little(scales)),
                        MemorySegment.ofArray(Floats.little(DynamicMap.map())),
                        NESTED_BLOCK,
                        offset);
        return new Nf4(rows, columns, block, packed, MemorySegment.ofArray(codes), how);
    }
}
