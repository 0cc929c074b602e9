package dev.gyre.linear;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;

/**
 * A regular permutation: features lie in groups of rows × columns chunks, row by row, and are dealt
 * out column by column. Its transpose, and inverse, has rows and columns exchanged. It is a strided
 * view and one copy; no table of indices.
 *
 * @param width number of features
 * @param rows of chunks in a group
 * @param columns of chunks in a group
 * @param chunk features that stay together
 */
public record Shuffle(long width, long rows, long columns, long chunk) implements LinearMap {
    public Shuffle {
        if (width % (rows * columns * chunk) != 0)
            throw new IllegalArgumentException(
                    "groups of %d × %d chunks of %d do not fill %d"
                            .formatted(rows, columns, chunk, width));
    }

    @Override
    public long in() {
        return width;
    }

    @Override
    public long out() {
        return width;
    }

    @Override
    public Tensor times(Tensor x) {
        return dealt(x, rows, columns);
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        return dealt(dy, columns, rows);
    }

    private Tensor dealt(Tensor x, long down, long across) {
        return x.view(x.size(0), width / (down * across * chunk), down, across, chunk)
                .transpose(2, 3)
                .contiguous()
                .view(x.size(0), width);
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        return transposeTimes(dy);
    }

    @Override
    public List<Var> variables() {
        return List.of();
    }

    @Override
    public Tensor dense() {
        return times(Tensor.eye(DType.F32, width)).transpose(0, 1).contiguous();
    }

    @Override
    public long bytes() {
        return 0;
    }
}
