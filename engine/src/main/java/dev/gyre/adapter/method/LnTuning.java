package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Targets;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Var;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * LayerNorm tuning (arXiv 2312.11420): the norms' weights learn, and nothing else. Its targets are
 * norms; "all-linear" means all of them. Starts at the base's weights.
 */
public record LnTuning() implements Method {
    @Override
    public String name() {
        return "ln_tuning";
    }

    @Override
    public double learningRate() {
        return 5e-3;
    }

    @Override
    public List<Slot> slots(Targets targets, Model model) {
        return List.of();
    }

    @Override
    public Attachment attach(List<Slot> slots, Model model) {
        return attach(Targets.allLinear(), slots, model);
    }

    @Override
    public Attachment attach(Targets targets, List<Slot> slots, Model model) {
        return new OnNorms(targets.norms(model), model);
    }

    /** The method on the norms of a model. */
    private record OnNorms(List<String> places, Model model) implements Attachment {
        private static String key(String norm) {
            return norm + ".ln_tuning_layers.weight";
        }

        @Override
        public List<Declared> parameters() {
            return places.stream().map(this::weight).toList();
        }

        private Declared weight(String norm) {
            var base = model.vectors().get(norm + ".weight");
            if (base == null) throw new IllegalStateException("no norm " + norm);
            return new Declared(key(norm), base.shape(), (r, s) -> base);
        }

        @Override
        public Effects effects(Tape tape, Learned learned) {
            var weights = new LinkedHashMap<String, Var>();
            for (String norm : places) weights.put(norm + ".weight", learned.get(key(norm)));
            return new Effects(Map.of(), weights);
        }
    }

    /** The registry's line for LayerNorm tuning. */
    public static final MethodKind KIND = new LnTuningKind();
}
