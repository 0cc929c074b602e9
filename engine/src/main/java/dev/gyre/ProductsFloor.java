package dev.gyre;

import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Cores;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The time of a training step's f32 products alone: each shape of frozen weight, with the rows that
 * a core has of a step, forward and transposed, on all cores at once, as fast as the BLAS does them
 * again and again.
 */
final class ProductsFloor {
    private static final int ROUNDS = 9;

    private record Shape(long out, long in) {}

    private ProductsFloor() {}

    static double seconds(Model model, long rows) {
        Map<Shape, Integer> shapes = new LinkedHashMap<>();
        for (Slot slot : model.slots())
            if (slot.kind() != Slot.Kind.EMBEDDING)
                shapes.merge(new Shape(slot.weight().out(), slot.weight().in()), 1, Integer::sum);
        int cores = Cores.count();
        long share = Math.ceilDiv(rows, cores);
        double sum = 0;
        for (var e : shapes.entrySet())
            sum +=
                    e.getValue()
                            * Cores.each(cores, _ -> both(e.getKey(), share)).stream()
                                    .mapToDouble(s -> s)
                                    .max()
                                    .orElseThrow();
        return sum;
    }

    /** The median of some rounds. */
    private static double both(Shape shape, long rows) {
        try (var _ = Scope.open()) {
            // So small that the numbers stay what they are from round to round.
            double small = 1 / Math.sqrt((double) shape.out * shape.in);
            Tensor w = Tensor.full(DType.F32, small, shape.out, shape.in);
            Tensor x = Tensor.ones(DType.F32, rows, shape.in);
            Tensor y = Tensor.empty(DType.F32, rows, shape.out);
            double[] seconds = new double[ROUNDS];
            for (int i = 0; i < ROUNDS; i++) {
                long begun = System.nanoTime();
                y.intoMatmul(x, w.transpose(0, 1));
                x.intoMatmul(y, w);
                seconds[i] = (System.nanoTime() - begun) / 1e9;
            }
            Arrays.sort(seconds);
            return seconds[ROUNDS / 2];
        }
    }
}
