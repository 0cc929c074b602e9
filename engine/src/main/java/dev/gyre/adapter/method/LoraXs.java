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
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * LoRA-XS (arXiv 2405.17604): y = x·Wᵀ + bias + s·((x·Aᵀ)·Rᵀ)·Bᵀ with frozen A = S_r·V_rᵀ and B =
 * U_r of the weight's singular value decomposition and a learned R [r, r]; s = alpha/r. R starts at
 * N(0, 10⁻¹⁰), all but nothing. A scikit-learn sketch in the authors' code is the exact
 * decomposition here. Files keep A and B.
 *
 * @param rank r
 * @param alpha numerator of s
 * @param dropout share of the adapter's inputs dropped in training
 */
public record LoraXs(int rank, double alpha, double dropout) implements Method.PerSlot {
    @Override
    public String name() {
        return "lora-xs";
    }

    @Override
    public double learningRate() {
        return 4e-3;
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
        var parts = new Decomposed(() -> parts(slot.weight().dense()));
        long[] a = {rank, slot.in()};
        long[] b = {slot.out(), rank};
        return List.of(
                Declared.kept(a(slot), a, (random, shape) -> parts.get(0)),
                Declared.kept(b(slot), b, (random, shape) -> parts.get(1)),
                new Declared(r(slot), new long[] {rank, rank}, Declared.normal(1e-5)));
    }

    private List<Tensor> parts(Tensor w) {
        List<Tensor> svd = w.svd();
        Tensor s = svd.get(1).narrow(0, 0, rank).unsqueeze(1);
        return List.of(svd.get(2).narrow(0, 0, rank).times(s), svd.get(0).narrow(1, 0, rank));
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        var map =
                new Product(
                        List.of(
                                new Matrix(learned.get(a(slot))),
                                new Matrix(learned.get(r(slot))),
                                new Matrix(learned.get(b(slot)))),
                        alpha / rank);
        return new Effect.Linear(null, null, map, null, dropout);
    }

    /** The registry's line for LoRA-XS. */
    public static final MethodKind KIND =
            new OwnKind(
                    "lora-xs",
                    "learns a small matrix between frozen singular vectors of the weight",
                    "beside",
                    "rank * rank") {
                @Override
                public Map<String, String> settings() {
                    var s = new LinkedHashMap<String, String>();
                    s.put("rank", "16: singular vectors used, at most the smaller width");
                    s.put("alpha", "(the rank): numerator of the scale alpha/rank");
                    s.put("dropout", "0: share of the adapter's inputs dropped in training");
                    return s;
                }

                @Override
                Method read(Settings s) {
                    int rank = s.whole("rank", 16, 1);
                    double alpha = s.real("alpha", rank, 0, false, Double.POSITIVE_INFINITY);
                    return new LoraXs(rank, alpha, s.real("dropout", 0, 0, true, 1));
                }

                @Override
                public Map<String, Object> toPeft(Method method) {
                    var own = (LoraXs) method;
                    return Map.of("rank", own.rank, "alpha", own.alpha, "dropout", own.dropout);
                }
            };
}
