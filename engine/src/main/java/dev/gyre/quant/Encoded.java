package dev.gyre.quant;

import dev.gyre.format.StoredTensor;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.Workers;

import org.jspecify.annotations.Nullable;

import java.util.Locale;

/**
 * A weight in blocks as they lie in its file. A product decodes one tile of rows after another into
 * scratch memory and multiplies it in f32, so the numbers are exactly those of the decoded weight,
 * and the matrix as a whole never exists.
 */
public final class Encoded implements Weight {
    /** Numbers of a tile: with the rows it is multiplied with, it stays in a core's cache. */
    private static final long TILE = 1 << 18;

    private final StoredTensor stored;
    private final int @Nullable [] order;

    /**
     * A matrix in a file.
     *
     * @param stored [out, in], mapped for as long as this weight is used
     * @param order the file's row of each row of the matrix; null where they are the same
     */
    public Encoded(StoredTensor stored, int @Nullable [] order) {
        if (stored.shape().length != 2)
            throw new IllegalArgumentException("a weight is a matrix, not " + stored);
        this.stored = stored;
        this.order = order;
    }

    @Override
    public long in() {
        return stored.rowElements();
    }

    @Override
    public long out() {
        return stored.shape()[0];
    }

    private long tileRows() {
        return Math.min(out(), Math.max(16, TILE / in()));
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
                        Encodings.decodeRows(
                                stored,
                                from + first,
                                end - first,
                                out.asSlice(first * row, (end - first) * row));
                    else
                        for (int r = first; r < end; r++)
                            Encodings.decodeRows(
                                    stored,
                                    order[Math.toIntExact(from + r)],
                                    1,
                                    out.asSlice(r * row, row));
                });
    }

    @Override
    public Tensor rows(Tensor ids) {
        long[] wanted = ids.toLongs();
        Tensor out = Tensor.empty(DType.F32, wanted.length, in());
        long row = 4 * in();
        for (int i = 0; i < wanted.length; i++) {
            long from = order == null ? wanted[i] : order[Math.toIntExact(wanted[i])];
            Encodings.decodeRows(stored, from, 1, out.segment().asSlice(i * row, row));
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
    public String encoding() {
        return stored.type().name().toLowerCase(Locale.ROOT);
    }

    @Override
    public long bytes() {
        return stored.data().byteSize();
    }
}
