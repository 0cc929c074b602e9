package dev.gyre.linear;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.BlockRotation;
import dev.gyre.tensor.kernel.Kernels;

import java.util.List;

/**
 * Rotates the features of a row in blocks: out[i·b + c] = Σₖ x[i·b + k] · R[i, k, c]. As a map M =
 * blockdiag(R)ᵀ, so that x·Mᵀ = x·blockdiag(R), the "x ⊙ R" of OFT.
 *
 * @param blocks R, [r, b, b]; or [1, b, b] shared by all blocks
 * @param count number of blocks, r
 */
public record BlockDiagonal(Var blocks, long count) implements Rotation {
    public BlockDiagonal {
        long given = blocks.value().size(0);
        if (given != count && given != 1)
            throw new IllegalArgumentException(given + " blocks for a map of " + count);
    }

    /**
     * The blocks of a map that mixes no features of different blocks, on a tape: they are made by
     * as many rows as a block has features, and then cost each row one pass.
     *
     * @param map as wide as its rows, over one variable or more
     * @param blockSize b; divides the map's width
     */
    public static BlockDiagonal of(Tape tape, LinearMap map, long blockSize) {
        long count = map.in() / blockSize;
        List<Var> learning = map.variables();
        Var like = learning.getFirst();
        Tensor r;
        try (var here = Scope.open()) {
            Tensor rows = map.times(units(like, blockSize, count));
            r = here.give(rows.view(blockSize, count, blockSize).transpose(0, 1).contiguous());
        }
        if (learning.stream().noneMatch(tape::needs))
            return new BlockDiagonal(Var.constant(r), count);
        Var blocks =
                tape.record(
                        r,
                        g -> {
                            Tensor rows = g.transpose(0, 1).contiguous().view(blockSize, map.in());
                            map.backward(units(like, blockSize, count), rows);
                        });
        return new BlockDiagonal(blocks, count);
    }

    /** Row k has a one at feature k of every block, [b, r·b]. */
    private static Tensor units(Var like, long blockSize, long count) {
        return Tensor.eye(like.value().dtype(), blockSize)
                .unsqueeze(1)
                .expand(blockSize, count, blockSize)
                .contiguous()
                .view(blockSize, count * blockSize);
    }

    private long blockSize() {
        return blocks.value().size(1);
    }

    private boolean shared() {
        return blocks.value().size(0) == 1 && count > 1;
    }

    @Override
    public long in() {
        return count * blockSize();
    }

    @Override
    public long out() {
        return in();
    }

    @Override
    public Tensor times(Tensor x) {
        if (fused(x)) {
            Tensor y = x.emptyLike();
            BlockRotation.rotate(x, blocks.value(), y);
            return y;
        }
        return rotated(x, blocks.value());
    }

    @Override
    public Tensor transposeTimes(Tensor dy) {
        if (fused(dy)) {
            Tensor dx = dy.emptyLike();
            BlockRotation.rotateBack(dy, blocks.value(), dx);
            return dx;
        }
        return rotated(dy, blocks.value().transpose(1, 2));
    }

    @Override
    public Tensor backward(Tensor x, Tensor dy) {
        if (blocks.needsGradient()) {
            Tensor sum = blocks.gradientBuffer();
            if (shared()) {
                Tensor rows = x.reshape(-1, blockSize());
                sum.select(0, 0)
                        .plusMatmulInPlace(rows.transpose(0, 1), dy.reshape(-1, blockSize()), 1);
            } else if (fused(x)) {
                BlockRotation.gradient(x, dy, sum);
            } else {
                // G_i += x_iᵀ · dy_i, over strided views: no permuted copy of x.
                sum.plusBmmInPlace(panels(x).transpose(1, 2), panels(dy));
            }
        }
        return transposeTimes(dy);
    }

    private boolean fused(Tensor x) {
        return !shared() && Kernels.fitRotation(x, blocks.value());
    }

    private Tensor rotated(Tensor x, Tensor r) {
        if (shared()) return x.reshape(-1, blockSize()).matmul(r.select(0, 0)).view(x.shape());
        Tensor out = x.emptyLike();
        panels(out).intoBmm(panels(x), r);
        return out;
    }

    /** [N, d] seen as r panels [r, N, b]. */
    private Tensor panels(Tensor x) {
        return x.view(x.size(0), count, blockSize()).transpose(0, 1);
    }

    @Override
    public List<Var> variables() {
        return List.of(blocks);
    }

    @Override
    public Tensor dense() {
        long b = blockSize();
        Tensor out = Tensor.zeros(blocks.value().dtype(), in(), in());
        try (var _ = Scope.open()) {
            for (long i = 0; i < count; i++)
                out.narrow(0, i * b, b).narrow(1, i * b, b).copyFrom(block(i).transpose(0, 1));
        }
        return out;
    }

    private Tensor block(long i) {
        return blocks.value().select(0, shared() ? 0 : i);
    }

    @Override
    public Tensor inverse() {
        try (var here = Scope.open()) {
            DType type = blocks.value().dtype();
            Tensor r = blocks.value();
            Tensor inverses = r.solve(Tensor.eye(type, blockSize()).expand(r.shape()).contiguous());
            return here.give(new BlockDiagonal(Var.constant(inverses), count).dense());
        }
    }

    @Override
    public double distanceFromOrthogonal() {
        try (var _ = Scope.open()) {
            Tensor r = blocks.value();
            Tensor error = r.transpose(1, 2).matmul(r).minus(Tensor.eye(r.dtype(), blockSize()));
            return error.times(error).reshape(r.size(0), -1).sum(1, false).sqrt().max().item();
        }
    }

    @Override
    public long bytes() {
        return blocks.value().bytes();
    }
}
