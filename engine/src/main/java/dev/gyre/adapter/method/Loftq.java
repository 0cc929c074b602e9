package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * LoRA over an encoded base Q that starts at what the encoding lost (LoftQ, arXiv 2310.08659):
 * s·B·A is the best approximation of rank r to W − Q, with √S of the singular values in each
 * factor. One round of the paper's alternation, as PEFT's {@code replace_lora_weights_loftq}:
 * further rounds encode W − s·B·A, another base than the one that every reader has. So files are
 * LoRA's, for the base in the encoding that they name, and Q stays as it is.
 *
 * @param lora A, B and s
 * @param encodings of the base's weights; empty for whatever the base has
 * @param made how PEFT made the file's base, where it did; further rounds are among its ways
 */
public record Loftq(Lora lora, List<String> encodings, Optional<LoftqBase> made) implements Method {
    @Override
    public String name() {
        return "loftq";
    }

    @Override
    public double learningRate() {
        return 2e-4;
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        EncodedBase.check(name(), encodings, slots);
        made.ifPresent(base -> base.check(slots));
        return new OnEncoded(slots, lora.attach(slots, model));
    }

    private final class OnEncoded implements Attachment {
        private final List<Slot> slots;
        private final Attachment plain;

        OnEncoded(List<Slot> slots, Attachment plain) {
            this.slots = slots;
            this.plain = plain;
        }

        @Override
        public List<Declared> parameters() {
            return slots.stream().flatMap(s -> Loftq.this.parameters(s).stream()).toList();
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            return plain.effects(tape, learned);
        }

        @Override
        public Map<String, Object> keysOfTheBase() {
            return Map.of(Kind.ENCODING, EncodedBase.encodings(slots));
        }
    }

    private List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        int rank = lora.rank(slot);
        Fits.atMost(name(), "rank", rank, Math.min(slot.in(), slot.out()), slot);
        var start = new Decomposed(() -> start(slot));
        var all = new ArrayList<Declared>();
        for (Declared d : lora.parameters(slot)) {
            if (d.name().equals(Lora.a(slot)))
                all.add(new Declared(d.name(), d.shape(), (_, _) -> start.get(0)));
            else if (d.name().equals(Lora.b(slot)))
                all.add(new Declared(d.name(), d.shape(), (_, _) -> start.get(1)));
            else all.add(d);
        }
        return all;
    }

    /** A [r, in] and B [out, r]. */
    List<Tensor> start(Slot slot) {
        Weight original = EncodedBase.original(name(), slot);
        Tensor lost = EncodedBase.lost(original, slot, 0, original.out());
        List<Tensor> svd = LowRank.svd(lost, lora.rank(slot));
        Tensor roots = svd.get(1).dividedBy(lora.scale(slot)).sqrt();
        return List.of(svd.get(2).times(roots.unsqueeze(1)), svd.get(0).times(roots));
    }

    /** The registry's line for LoftQ. */
    public static final MethodKind KIND = new Kind();

    private static final class Kind extends OnLora<Loftq> {
        /** A key of our own: the encodings of the base that a file is for. */
        static final String ENCODING = "gyre_base_encoding";

        Kind() {
            super(
                    "loftq",
                    "LoRA that starts at what the base's encoding lost",
                    Loftq.class,
                    m -> m.lora);
        }

        @Override
        void describe(Map<String, String> settings) {
            settings.put("iterations", "1: rounds of encoding and approximation; 1 keeps the base");
            settings.put("encoding", "(the base's): what the base must be encoded as");
        }

        @Override
        Loftq of(Lora lora, Settings s) {
            if (s.whole("iterations", 1, 1) > 1)
                throw new UserError(
                        "method loftq: iterations above 1 make another base, which no reader of"
                                + " the adapter would have; leave it at 1");
            return new Loftq(lora, s.words("encoding", List.of()), Optional.empty());
        }

        @Override
        boolean means(Tree config) {
            return super.means(config) || madeThere(config);
        }

        /** Whether PEFT made it, with a base to go with it. */
        private static boolean madeThere(Tree config) {
            return config.get("init_lora_weights")
                    .filter(v -> "loftq".equals(v.value()))
                    .isPresent();
        }

        @Override
        Lora.Start start(Tree config) {
            return Lora.Start.UNIFORM;
        }

        @Override
        Loftq fromPeft(Lora lora, Tree config, Reading reading) {
            if (madeThere(config))
                reading.warn()
                        .accept(
                                config.where()
                                        + ": init_lora_weights = loftq belongs to the base that"
                                        + " PEFT encoded and saved with it, and to no other");
            return new Loftq(
                    lora,
                    config.get(ENCODING)
                            .map(e -> e.items().stream().map(Tree::text).toList())
                            .orElse(List.of()),
                    madeThere(config) ? Optional.of(LoftqBase.of(config)) : Optional.empty());
        }

        @Override
        Map<String, Object> ownKeys(Loftq method) {
            return Map.of(MARK, name(), ENCODING, method.encodings);
        }

        @Override
        Set<String> more() {
            return Set.of(ENCODING);
        }
    }
}
