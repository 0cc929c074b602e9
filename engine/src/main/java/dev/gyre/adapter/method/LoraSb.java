package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Settings;
import dev.gyre.linear.Matrix;
import dev.gyre.linear.Product;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * LoRA-SB (arXiv 2411.19557): y = x·Wᵀ + bias + ((x·Aᵀ)·Rᵀ)·Bᵀ with frozen orthonormal A and B and
 * a learned R [r, r], which start at the best approximation B·R·A of rank r to the first step of
 * full fine-tuning, −η·sign(G), for the gradient G of the loss over calibration examples. So a step
 * on R is the projection of full fine-tuning's. Until it has seen examples, and at a slot whose
 * gradient is 0, A and B are random and R is 0. Files keep A and B.
 *
 * @param rank r
 * @param step η, the size of the first step
 * @param examples seen before the first step
 */
public record LoraSb(int rank, double step, int examples) implements Method.PerSlot {
    @Override
    public String name() {
        return "lora-sb";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private static String a(Slot slot) {
        return slot.name() + ".lora_A.weight";
    }

    private static String b(Slot slot) {
        return slot.name() + ".lora_B.weight";
    }

    private static String r(Slot slot) {
        return slot.name() + ".default_lora_latent_mapping.weight";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        Fits.atMost(name(), "rank", rank, Math.min(slot.in(), slot.out()), slot);
        long[] a = {rank, slot.in()};
        long[] b = {slot.out(), rank};
        return List.of(
                Declared.kept(a(slot), a, (random, s) -> orthonormal(random, s[1]).transpose(0, 1)),
                Declared.kept(b(slot), b, (random, s) -> orthonormal(random, s[0])),
                new Declared(r(slot), new long[] {rank, rank}, Declared.ZEROS));
    }

    /** Random orthonormal columns [n, r]. */
    private Tensor orthonormal(Random random, long n) {
        return random.normal(n, rank).qr().get(0);
    }

    @Override
    public int calibrationExamples() {
        return examples;
    }

    @Override
    public void calibrate(Slot slot, Tensor gradient, Learned learned) {
        Tensor first = sign(gradient).timesInPlace(-step);
        if (first.abs().max().item() == 0) return;
        List<Tensor> svd = LowRank.svd(first, rank);
        learned.get(b(slot)).value().copyFrom(svd.get(0));
        Tensor s = svd.get(1);
        learned.get(r(slot)).value().copyFrom(Tensor.eye(s.dtype(), rank).timesInPlace(s));
        learned.get(a(slot)).value().copyFrom(svd.get(2));
    }

    private static Tensor sign(Tensor g) {
        return g.negate().below(0).to(DType.F32).minus(g.below(0).to(DType.F32));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        return Effect.beside(
                Product.of(
                        new Matrix(learned.get(a(slot))),
                        new Matrix(learned.get(r(slot))),
                        new Matrix(learned.get(b(slot)))));
    }

    /** The registry's line for LoRA-SB. */
    public static final MethodKind KIND =
            new OwnKind(
                    "lora-sb",
                    "learns a small matrix between singular vectors of the first gradient",
                    "beside",
                    "rank * rank") {
                @Override
                public Map<String, String> settings() {
                    var s = new LinkedHashMap<String, String>();
                    s.put("rank", "16: singular vectors used, at most the smaller width");
                    s.put("step", "1e-5: size of the full step that it starts near to, above 0");
                    s.put("examples", "64: training examples seen for it before the first step");
                    return s;
                }

                @Override
                Method read(Settings s) {
                    return new LoraSb(
                            s.whole("rank", 16, 1),
                            s.real("step", 1e-5, 0, false, Double.POSITIVE_INFINITY),
                            s.whole("examples", 64, 0));
                }

                @Override
                public Map<String, Object> toPeft(Method method) {
                    var own = (LoraSb) method;
                    return Map.of("rank", own.rank, "step", own.step, "examples", own.examples);
                }
            };
}
