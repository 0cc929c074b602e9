package dev.gyre.model;

import dev.gyre.tensor.FlashAttention;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;

/**
 * Causal attention inside each segment, with rotary positions and grouped queries. Keys and values
 * are never repeated: a segment's key/value heads take the kernel's batch dimension, and the
 * queries of a group share them by a stride of zero. The backward pass keeps the turned queries and
 * keys, the values, the output and its log-sum-exp.
 *
 * @param heads query heads, H
 * @param kvHeads key/value heads, Hkv; divides H
 * @param headDim D
 */
record Attention(int heads, int kvHeads, int headDim) {
    private record Saved(
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor out,
            List<Tensor> logSumExp,
            Rotary.Angles angles) {}

    /**
     * q [N, H·D], k and v [N, Hkv·D] → [N, H·D].
     *
     * @param caches one for each segment, or none at all
     */
    Var apply(
            Tape tape,
            Var q,
            Var k,
            Var v,
            Rotary.Angles angles,
            Tokens tokens,
            int layer,
            List<KvCache> caches) {
        long rows = q.value().size(0);
        boolean records = tape.needs(q, k, v);
        var logSumExp = new ArrayList<Tensor>();
        Tensor out;
        Tensor turnedQ;
        Tensor turnedK;
        try (var here = Scope.open()) {
            turnedQ = angles.turn(q.value().view(rows, heads, headDim), false);
            turnedK = angles.turn(k.value().view(rows, kvHeads, headDim), false);
            Tensor values = v.value().view(rows, kvHeads, headDim);
            out = here.give(Tensor.empty(turnedQ.dtype(), rows, (long) heads * headDim));
            for (int s = 0; s < tokens.segments(); s++) {
                int from = tokens.starts()[s];
                int count = tokens.starts()[s + 1] - from;
                if (count == 0) continue;
                try (var segment = Scope.open()) {
                    Tensor ks = turnedK.narrow(0, from, count);
                    Tensor vs = values.narrow(0, from, count);
                    Tensor qs = queries(turnedQ, from, count);
                    FlashAttention.Result result;
                    if (caches.isEmpty()) {
                        result = FlashAttention.forward(qs, shared(ks), shared(vs), true, null);
                    } else {
                        List<Tensor> all = caches.get(s).append(layer, ks, vs);
                        result = cached(qs, all.get(0), all.get(1), count);
                    }
                    queries(out, from, count).copyFrom(result.out());
                    if (records) logSumExp.add(here.give(segment.give(result.logSumExp())));
                }
            }
            if (records) {
                here.give(turnedQ);
                here.give(turnedK);
            }
        }
        if (!records) return Var.constant(out);
        var saved =
                new Saved(
                        tape.save(turnedQ),
                        tape.save(turnedK),
                        tape.save(v.value()),
                        tape.save(out),
                        logSumExp.stream().map(tape::save).toList(),
                        new Rotary.Angles(tape.save(angles.cos()), tape.save(angles.sin())));
        return tape.record(out, dy -> backward(q, k, v, saved, tokens, dy));
    }

    private static FlashAttention.Result cached(Tensor q, Tensor k, Tensor v, int count) {
        long total = k.size(0);
        long past = total - count;
        if (past == 0) return FlashAttention.forward(q, shared(q, k), shared(q, v), true, null);
        if (count == 1) return FlashAttention.forward(q, shared(q, k), shared(q, v), false, null);
        // Row t of the new tokens sees all of the past and the new ones up to itself.
        Tensor mask = Tensor.zeros(q.dtype(), count, total);
        Tensor hidden = Tensor.arange(total).unsqueeze(0).minus(Tensor.arange(count).unsqueeze(1));
        mask.maskedFillInPlace(
                hidden.minus(Tensor.of(new long[] {past})).negate().below(0),
                Double.NEGATIVE_INFINITY);
        return FlashAttention.forward(q, shared(q, k), shared(q, v), false, mask);
    }

    /** A segment's rows of [N, …H·D] as [Hkv, G, T, D]. */
    private Tensor queries(Tensor all, long from, long count) {
        return all.narrow(0, from, count)
                .view(count, kvHeads, heads / kvHeads, headDim)
                .permute(1, 2, 0, 3);
    }

    /** A segment's keys or values [S, Hkv, D] as [Hkv, G, S, D], the group's G sharing one. */
    private Tensor shared(Tensor keys) {
        long group = heads / kvHeads;
        return keys.permute(1, 0, 2).unsqueeze(1).expand(kvHeads, group, keys.size(0), headDim);
    }

    private static Tensor shared(Tensor q, Tensor keys) {
        return keys.permute(1, 0, 2)
                .unsqueeze(1)
                .expand(q.size(0), q.size(1), keys.size(0), keys.size(2));
    }

    private void backward(Var q, Var k, Var v, Saved saved, Tokens tokens, Tensor dy) {
        long rows = dy.size(0);
        Tensor dq = Tensor.empty(dy.dtype(), rows, heads, headDim);
        Tensor dk = Tensor.empty(dy.dtype(), rows, kvHeads, headDim);
        Tensor dv = Tensor.empty(dy.dtype(), rows, kvHeads, headDim);
        Tensor values = saved.v.view(rows, kvHeads, headDim);
        int used = 0;
        for (int s = 0; s < tokens.segments(); s++) {
            int from = tokens.starts()[s];
            int count = tokens.starts()[s + 1] - from;
            if (count == 0) continue;
            try (var _ = Scope.open()) {
                var forward =
                        new FlashAttention.Result(
                                queries(saved.out, from, count), saved.logSumExp.get(used++));
                List<Tensor> gradients =
                        FlashAttention.backward(
                                queries(dy, from, count),
                                queries(saved.q, from, count),
                                shared(saved.k.narrow(0, from, count)),
                                shared(values.narrow(0, from, count)),
                                forward,
                                true);
                queries(dq, from, count).copyFrom(gradients.get(0));
                // [Hkv, G, T, D]: the heads of a group add up to their shared key's gradient.
                dk.narrow(0, from, count).copyFrom(gradients.get(1).sum(1, false).permute(1, 0, 2));
                dv.narrow(0, from, count).copyFrom(gradients.get(2).sum(1, false).permute(1, 0, 2));
            }
        }
        q.accumulate(saved.angles.turn(dq, true).view(rows, -1));
        k.accumulate(saved.angles.turn(dk, true).view(rows, -1));
        v.accumulate(dv.view(rows, -1));
    }
}
