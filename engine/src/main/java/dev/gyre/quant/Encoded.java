package dev.gyre.quant;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.PanelProduct;
import dev.gyre.tensor.kernel.Workers;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.util.Optional;

/**
 * A weight in blocks, as they lie in its file or made in memory. A product decodes one tile of rows
 * after another into scratch memory and multiplies it in f32, so the numbers are exactly those of
 * the decoded weight, and the matrix as a whole never exists.
 */
public final class Encoded implements Weight {
    /**
     * Numbers of a tile, 2 MB: so few stay in the cache that cores share, and sums are long. Half
     * and twice as many were about as fast.
     */
    private static final long TILE = 1 << 19;

    private final RowSource source;
    private final int @Nullable [] order;
    private final @Nullable Weight original;

    /**
     * A matrix.
     *
     * @param source [out, in], which lives for as long as this weight is used
     * @param order the source's row of each row of the matrix; null where they are the same
     */
    public Encoded(RowSource source, int @Nullable [] order) {
        this(source, order, null);
    }

    private Encoded(RowSource source, int @Nullable [] order, @Nullable Weight original) {
        this.source = source;
        this.order = order;
        this.original = original;
    }

    /** Makes blocks of a weight's numbers. */
    @FunctionalInterface
    interface Encoder {
        /**
         * Encodes.
         *
         * @param arena how long the blocks live
         */
        RowSource encode(RowSource numbers, Arena arena);
    }

    /**
     * A weight encoded in memory; one that is in the encoding already stays as it is.
     *
     * @param name the encoding's
     * @param home owns the blocks
     */
    @SuppressWarnings("MustBeClosedChecker") // its home closes it
    static Weight of(Weight weight, String name, Encoder encoder, Scope home) {
        if (weight.encoding().equals(name)) return weight;
        var arena = Arena.ofShared();
        home.alsoCloses(arena::close);
        return new Encoded(encoder.encode(RowSource.of(weight), arena), null, weight);
    }

    @Override
    public long in() {
        return source.columns();
    }

    @Override
    public long out() {
        return source.rows();
    }

    private long tileRows() {
        long whole = TILE / in() / PanelProduct.COLUMNS * PanelProduct.COLUMNS;
        return Math.min(out(), Math.max(16, whole));
    }

    @Override
    public Tensor times(Tensor x) {
        Tensor y = Tensor.empty(x.dtype(), x.size(0), out());
        overTiles(
                x.dtype(),
                (from, tile) ->
                        y.narrow(1, from, tile.size(0)).intoMatmul(x, tile.transpose(0, 1)));
        return y;
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        Tensor dx = Tensor.empty(dy.dtype(), dy.size(0), in());
        overTiles(
                dy.dtype(),
                (from, tile) -> {
                    Tensor part = dy.narrow(1, from, tile.size(0));
                    if (from == 0) dx.intoMatmul(part, tile);
                    else dx.plusMatmulInPlace(part, tile, 1);
                });
        return dx;
    }

    @FunctionalInterface
    private interface Tile {
        /** Takes rows from {@code from} on, [some, in]; they are gone afterwards. */
        void take(long from, Tensor rows);
    }

    private void overTiles(DType type, Tile body) {
        long rows = tileRows();
        try (var _ = Scope.open()) {
            Tensor scratch = Tensor.empty(DType.F32, rows, in());
            for (long from = 0; from < out(); from += rows) {
                long n = Math.min(rows, out() - from);
                try (var _ = Scope.open()) {
                    Tensor tile = scratch.narrow(0, 0, n);
                    decode(from, tile);
                    body.take(from, tile.to(type));
                }
            }
        }
    }

    /** Decodes rows from {@code from} on into [rows, in]. */
    private void decode(long from, Tensor into) {
        var out = into.segment();
        long row = 4 * in();
        Workers.share(
                Math.toIntExact(into.size(0)),
                (first, end) -> {
                    if (order == null)
                        source.decode(
                                from + first,
                                end - first,
                                out.asSlice(first * row, (end - first) * row));
                    else
                        for (int r = first; r < end; r++)
                            source.decode(
                                    order[Math.toIntExact(from + r)], 1, out.asSlice(r * row, row));
                });
    }

    @Override
    public Tensor rows(Tensor ids) {
        long[] wanted = ids.toLongs();
        Tensor out = Tensor.empty(DType.F32, wanted.length, in());
        long row = 4 * in();
        for (int i = 0; i < wanted.length; i++) {
            long from = order == null ? wanted[i] : order[Math.toIntExact(wanted[i])];
            source.decode(from, 1, out.segment().asSlice(i * row, row));
        }
        return out;
    }

    @Override
    public Tensor panel(long from, long rows) {
        Tensor out = Tensor.empty(DType.F32, rows, in());
        decode(from, out);
        return out;
    }

    @Override
    public Tensor dense() {
        return panel(0, out());
    }

    @Override
    public Optional<Weight> original() {
        return Optional.ofNullable(original);
    }

    @Override
    public String encoding() {
        return source.encoding();
    }

    @Override
    public long bytes() {
        return source.bytes();
    }
}
