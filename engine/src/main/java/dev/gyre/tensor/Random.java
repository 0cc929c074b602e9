package dev.gyre.tensor;

import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * A seeded stream of random tensors: PyTorch's own CPU generator (Mersenne twister), so that equal
 * seeds give PyTorch's numbers.
 */
public final class Random implements AutoCloseable {
    private final Generator generator;
    private final GeneratorOptional optional;

    private Random(long seed) {
        Torch.load();
        generator = torch.make_generator_cpu(seed);
        optional = new GeneratorOptional(generator);
    }

    public static Random seeded(long seed) {
        return new Random(seed);
    }

    /** Standard normal numbers in f32. */
    public Tensor normal(long... shape) {
        try (var options = new TensorOptions(torch.ScalarType.Float);
                var names = new org.bytedeco.pytorch.DimnameListOptional()) {
            return new Tensor(torch.randn(shape, optional, names, options));
        }
    }

    /** Numbers uniform in [low, high) in f32, drawn as PyTorch's {@code uniform_} draws them. */
    public Tensor uniform(double low, double high, long... shape) {
        Tensor out = Tensor.empty(DType.F32, shape);
        out.torch.uniform_(low, high, optional);
        return out;
    }

    /** A random order of 0 … n−1. */
    public int[] permutation(int n) {
        try (var _ = Scope.open();
                var options = new TensorOptions(torch.ScalarType.Long)) {
            return new Tensor(torch.randperm(n, optional, options)).toInts();
        }
    }

    @Override
    public void close() {
        optional.close();
        generator.close();
    }
}
