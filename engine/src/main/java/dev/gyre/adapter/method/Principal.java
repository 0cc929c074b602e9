package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.linear.Sum;
import dev.gyre.linear.Thin;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * LoRA that starts at a part of the weight and takes that part out of it: y = x·(W − s·B₀·A₀)ᵀ +
 * bias + s·(x·Aᵀ)·Bᵀ with A = A₀ and B = B₀ at the start. PiSSA (arXiv 2404.02948) takes the r
 * largest singular values, OLoRA (arXiv 2406.01775) the first r columns of Q and rows of R. Nothing
 * of the base changes: −s·B₀·A₀ stands beside it as a second thin product. A₀ and B₀ follow from
 * the weight; as in PEFT, files do not hold them.
 *
 * @param lora A, B and s
 * @param part what of the weight is taken
 */
public record Principal(Lora lora, Part part) implements Method.PerSlot {
    /** A part of a weight as a product B₀·A₀ of rank r. */
    enum Part {
        PISSA("pissa") {
            @Override
            List<Tensor> of(Tensor w, int r, double s) {
                List<Tensor> svd = w.svd();
                Tensor roots = svd.get(1).narrow(0, 0, r).dividedBy(s).sqrt();
                return List.of(
                        svd.get(0).narrow(1, 0, r).times(roots),
                        svd.get(2).narrow(0, 0, r).times(roots.unsqueeze(1)));
            }
        },
        OLORA("olora") {
            @Override
            List<Tensor> of(Tensor w, int r, double s) {
                List<Tensor> qr = w.qr();
                return List.of(qr.get(0).narrow(1, 0, r), qr.get(1).narrow(0, 0, r));
            }
        };

        /** The method's name, and PEFT's word for the start. */
        final String word;

        Part(String word) {
            this.word = word;
        }

        /** B₀ [out, r] and A₀ [r, in] of W [out, in] for a scale of s. */
        abstract List<Tensor> of(Tensor w, int r, double s);
    }

    public Principal {
        if (lora.bias() || lora.dropout() > 0)
            throw new UserError(
                    "method %s: dropout and a bias beside B are not known with it"
                            .formatted(part.word));
    }

    @Override
    public String name() {
        return part.word;
    }

    @Override
    public double learningRate() {
        return 2e-4;
    }

    private static String start(String name) {
        return name + ".start";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        if (slot.weight().original().isPresent())
            throw new UserError(
                    "method %s: it takes a part out of the weight as it is stored, and %s is kept as %s; leave --base-encoding out, or take loftq, which is for encoded weights"
                            .formatted(name(), slot.name(), slot.weight().encoding()));
        Fits.atMost(name(), "rank", lora.rank(slot), Math.min(slot.in(), slot.out()), slot);
        int rank = lora.rank(slot);
        var factors = new Decomposed(() -> part.of(slot.weight().dense(), rank, lora.scale(slot)));
        var all = new ArrayList<Declared>();
        for (Declared d : lora.parameters(slot)) {
            int b = d.name().equals(Lora.b(slot)) ? 0 : 1;
            all.add(new Declared(d.name(), d.shape(), (r, s) -> factors.get(b)));
            all.add(Declared.derived(start(d.name()), d.shape(), (r, s) -> factors.get(b)));
        }
        return all;
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        double s = lora.scale(slot);
        var learns = new Thin(learned.get(Lora.a(slot)), learned.get(Lora.b(slot)), s);
        var taken =
                new Thin(learned.get(start(Lora.a(slot))), learned.get(start(Lora.b(slot))), -s);
        return Effect.beside(new Sum(List.of(learns, taken)));
    }

    /** The registry's line for PiSSA. */
    public static final MethodKind PISSA =
            new Kind(Part.PISSA, "LoRA that starts at the weight's largest singular values");

    /** The registry's line for OLoRA. */
    public static final MethodKind OLORA =
            new Kind(Part.OLORA, "LoRA that starts at the first rows of the weight's QR factors");

    private static final class Kind extends OnLora<Principal> {
        private final Part part;

        Kind(Part part, String summary) {
            super(part.word, summary, Principal.class, m -> m.lora);
            this.part = part;
        }

        @Override
        void describe(Map<String, String> settings) {
            settings.remove("bias");
            settings.remove("dropout");
            settings.put("alpha", "(the rank): numerator of the scale");
        }

        @Override
        Principal of(Lora lora, Settings settings) {
            boolean scaled = settings.has("alpha");
            return new Principal(scaled ? lora : lora.withAlpha(lora.rank()), part);
        }

        @Override
        boolean means(Tree config) {
            return config.get("init_lora_weights")
                    .filter(v -> part.word.equals(v.value()))
                    .isPresent();
        }

        @Override
        Lora.Start start(Tree config) {
            return Lora.Start.UNIFORM;
        }

        @Override
        Principal fromPeft(Lora lora, Tree config, Reading reading) {
            if (lora.dropout() > 0)
                reading.warn()
                        .accept(
                                config.where()
                                        + ": lora_dropout acts in training only, and not here");
            return new Principal(lora.withoutDropout(), part);
        }

        @Override
        Map<String, Object> ownKeys(Principal method) {
            return Map.of("init_lora_weights", part.word);
        }
    }
}
