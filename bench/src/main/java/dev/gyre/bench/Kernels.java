package dev.gyre.bench;

import dev.gyre.linear.Cayley;
import dev.gyre.linear.Skew;
import dev.gyre.tensor.Cores;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.BlockRotation;
import dev.gyre.tensor.kernel.CausalAttention;
import dev.gyre.tensor.kernel.RootMeanSquare;
import dev.gyre.tensor.kernel.SiluGate;
import dev.gyre.tensor.kernel.ThinProducts;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The kernels of a training step at the shapes of SmolLM2-135M, each core with rows of its own as
 * in training, and the plain operations that they replace beside them. A time is that of all cores
 * together.
 */
@State(org.openjdk.jmh.annotations.Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class Kernels {
    private static final int WIDTH = 576;
    private static final int MLP = 1536;
    private static final int HEADS = 9;
    private static final int KV_HEADS = 3;
    private static final int HEAD_DIM = 64;

    /** Of each core. */
    @Param("512")
    private int rows;

    /** Of the block rotation. */
    @Param("32")
    private int block;

    @Param("16")
    private int rank;

    private final Scope scope = Scope.detached();
    private final List<Inputs> inputs = new ArrayList<>();

    /** What one core works on. */
    private final class Inputs {
        final Tensor x = normal(rows, WIDTH);
        final Tensor y = normal(rows, WIDTH);
        final Tensor v = normal(WIDTH / block, Skew.packed(block)).timesInPlace(0.01);
        final Tensor blocks = normal(WIDTH / block, block, block);
        final Tensor sum = normal(WIDTH / block, block, block);
        final Tensor h = normal(rows, rank);
        final Tensor thin = normal(WIDTH, rank);
        final Tensor q = normal(rows, HEADS, HEAD_DIM);
        final Tensor dq = normal(rows, HEADS, HEAD_DIM);
        final Tensor k = normal(rows, KV_HEADS, HEAD_DIM);
        final Tensor dk = normal(rows, KV_HEADS, HEAD_DIM);
        final Tensor dv = normal(rows, KV_HEADS, HEAD_DIM);
        final int[] starts = {0, rows / 2, rows};
        final Tensor gate = normal(rows, MLP);
        final Tensor up = normal(rows, MLP);
        final Tensor gated = normal(rows, MLP);
        final Tensor weight = normal(WIDTH);
        final Tensor scale = normal(rows);

        private Tensor normal(long... shape) {
            try (var _ = Scope.open();
                    var random = Random.seeded(3)) {
                return scope.adopt(random.normal(shape).to(DType.F32));
            }
        }
    }

    @FunctionalInterface
    private interface Work {
        void on(Inputs inputs);
    }

    @Setup
    public void make() {
        for (int i = 0; i < Cores.count(); i++) inputs.add(new Inputs());
    }

    @TearDown
    public void free() {
        scope.close();
    }

    private void onAllCores(Work work) {
        Cores.each(
                inputs.size(),
                i -> {
                    try (var _ = Scope.open()) {
                        work.on(inputs.get(i));
                    }
                    return true;
                });
    }

    @Benchmark
    public void rotation() {
        onAllCores(in -> BlockRotation.rotate(in.x, in.blocks, in.y));
    }

    @Benchmark
    public void rotationByBatchedProducts() {
        onAllCores(in -> panels(in.y).intoBmm(panels(in.x), in.blocks));
    }

    @Benchmark
    public void rotationGradient() {
        onAllCores(in -> BlockRotation.gradient(in.x, in.y, in.sum));
    }

    @Benchmark
    public void rotationGradientByBatchedProducts() {
        onAllCores(in -> in.sum.plusBmmInPlace(panels(in.x).transpose(1, 2), panels(in.y)));
    }

    private Tensor panels(Tensor x) {
        return x.view(rows, WIDTH / block, block).transpose(0, 1);
    }

    @Benchmark
    public void cayleySeries() {
        onAllCores(in -> new Cayley.Neumann(5, false).rotationOf(in.v, block));
    }

    @Benchmark
    public void cayleySeriesByItsFormula() {
        onAllCores(in -> new Cayley.Neumann(5, false).rotation(Skew.of(block).matrix(in.v)));
    }

    @Benchmark
    public void cayleySeriesGradient() {
        onAllCores(in -> new Cayley.Neumann(5, false).gradientOf(in.v, block, in.sum));
    }

    @Benchmark
    public void thinProduct() {
        onAllCores(in -> ThinProducts.narrow(in.x, in.thin, in.h));
    }

    @Benchmark
    public void thinProductByTheBlas() {
        onAllCores(in -> in.h.intoMatmul(in.x, in.thin));
    }

    @Benchmark
    public void thinGradient() {
        onAllCores(in -> ThinProducts.addGradient(in.x, in.h, in.thin));
    }

    @Benchmark
    public void thinGradientByTheBlas() {
        onAllCores(in -> in.thin.plusMatmulInPlace(in.x.transpose(0, 1), in.h, 1));
    }

    @Benchmark
    public void attention() {
        onAllCores(in -> CausalAttention.forward(in.q, in.k, in.k, in.starts, in.dq));
    }

    @Benchmark
    public void attentionGradient() {
        onAllCores(
                in ->
                        CausalAttention.backward(
                                in.q, in.q, in.k, in.k, in.starts, in.dq, in.dk, in.dv));
    }

    @Benchmark
    public void siluGate() {
        onAllCores(in -> SiluGate.gate(in.gate, in.up, in.gated));
    }

    @Benchmark
    public void siluGateByPlainOperations() {
        onAllCores(in -> in.gate.silu().timesInPlace(in.up));
    }

    @Benchmark
    public void rootMeanSquare() {
        onAllCores(in -> RootMeanSquare.normalise(in.x, in.weight, 1e-5, in.y, in.scale));
    }
}
