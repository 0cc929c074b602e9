package dev.gyre;

import dev.gyre.merge.Merging;
import dev.gyre.model.Effects;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a merge would change, without its folder: the merged weights stand in for the base's. */
final class MergeDrift {
    private MergeDrift() {}

    /**
     * The largest |Δ log-probability| between merged and unmerged over a short text, the merged
     * weights rounded as their files would have them.
     *
     * @throws dev.gyre.config.UserError when the adapters cannot be expressed as weights
     */
    static double of(Base base, List<Effects> adapters) {
        var merging = new Merging(base.model(), adapters);
        var probe = DriftProbe.of(base);
        double[] unmerged = probe.under(base.model(), adapters);
        try (var _ = Scope.open()) {
            var merged = new Effects(Map.of(), weights(base, merging));
            return DriftProbe.apart(probe.under(base.model(), List.of(merged)), unmerged);
        }
    }

    private static Map<String, Var> weights(Base base, Merging merging) {
        var out = new LinkedHashMap<String, Var>();
        for (Slot slot : base.model().slots()) {
            if (!merging.changes(slot)) continue;
            Tensor stored =
                    merging.weight(slot)
                            .to(MergedFolder.computed(MergedFolder.stored(slot)))
                            .to(DType.F32);
            out.put(slot.name() + ".weight", Var.constant(stored));
        }
        merging.vectors().forEach((name, value) -> out.put(name, Var.constant(value)));
        return out;
    }
}
