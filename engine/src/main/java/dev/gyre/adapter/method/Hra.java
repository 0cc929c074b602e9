package dev.gyre.adapter.method;

import dev.gyre.adapter.Declared;
import dev.gyre.adapter.Learned;
import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.linear.Householder;
import dev.gyre.model.Effect;
import dev.gyre.model.Slot;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;

/**
 * Householder reflection adaptation (HRA, arXiv 2405.17484): y = x·(W·H)ᵀ + bias with H = H_0 · … ·
 * H_(r−1), reflections along the learned columns u_j. Columns start equal in pairs, whose
 * reflections cancel, so that H = I. Costs as much as a low-rank update of rank r.
 *
 * @param rank r, number of reflections
 * @param gramSchmidt reflect along the columns made orthogonal one after another (PEFT's {@code
 *     apply_GS}); this never starts at the identity
 * @param random columns do not start in pairs (so do those of an odd rank, as in PEFT)
 */
public record Hra(int rank, boolean gramSchmidt, boolean random) implements Method.PerSlot {
    @Override
    public String name() {
        return "hra";
    }

    @Override
    public double learningRate() {
        return 1e-3;
    }

    private static String key(Slot slot) {
        return slot.name() + ".hra_u";
    }

    @Override
    public List<Declared> parameters(Slot slot) {
        Fits.linear(name(), slot);
        return List.of(new Declared(key(slot), new long[] {slot.in(), rank}, start()));
    }

    private Declared.Initial start() {
        if (random || rank % 2 != 0 || gramSchmidt) return Declared.uniform(1 / Math.sqrt(rank));
        return (random, shape) -> {
            double bound = 1 / Math.sqrt(rank / 2.0);
            Tensor half = random.uniform(-bound, bound, shape[0], rank / 2, 1);
            return half.expand(shape[0], rank / 2, 2).reshape(shape);
        };
    }

    @Override
    public Effect effect(Tape tape, Slot slot, Learned learned) {
        Var u = learned.get(key(slot));
        return Effect.before(
                Householder.of(
                        gramSchmidt
                                ? tape.auto(v -> orthogonalised(v.getFirst()), u)
                                : unit(tape, u)));
    }

    /** Columns scaled to length 1: v = u/‖u‖, du = (dv − v·(v·dv))/‖u‖. */
    private static Var unit(Tape tape, Var u) {
        Tensor v;
        Tensor length;
        try (var here = Scope.open()) {
            length = here.give(lengths(u.value()));
            v = here.give(u.value().dividedBy(length));
        }
        if (!tape.needs(u)) return Var.constant(v);
        Tensor kept = tape.save(v);
        Tensor by = tape.save(length);
        return tape.record(
                v,
                dv -> {
                    Tensor along = kept.times(dv).sum(0, true);
                    u.accumulate(dv.minus(kept.times(along)).dividedBy(by));
                });
    }

    private static Tensor lengths(Tensor u) {
        return u.times(u).sum(0, true).sqrt();
    }

    private static Tensor orthogonalised(Tensor u) {
        var columns = new ArrayList<Tensor>();
        for (long j = 0; j < u.size(1); j++) {
            Tensor own = u.narrow(1, j, 1);
            for (Tensor done : columns) own = own.minus(done.times(done.times(own).sum(0, true)));
            columns.add(own.dividedBy(lengths(own)));
        }
        return Tensor.cat(columns, 1);
    }

    /** The registry's line for HRA. */
    public static final MethodKind KIND = new HraKind();
}
