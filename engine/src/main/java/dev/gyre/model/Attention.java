package dev.gyre.model;

import dev.gyre.tensor.Saved;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.CausalAttention;
import dev.gyre.tensor.kernel.Kernels;

import java.util.List;

/**
 * Causal attention inside each segment, with rotary positions and grouped queries: by our own
 * kernel where nothing stands before the segments, else {@link SegmentAttention}. The backward pass
 * keeps the turned queries and keys, the values, the output and its log-sum-exp.
 *
 * @param heads query heads, H
 * @param kvHeads key/value heads, Hkv; divides H
 * @param headDim D
 */
record Attention(int heads, int kvHeads, int headDim) {
    private record Kept(
            Saved q,
            Saved k,
            Saved v,
            Saved out,
            List<Tensor> logSumExp,
            Rotary.Angles angles,
            List<List<Hook.Prefix>> prefixes,
            boolean together) {}

    /**
     * q [N, H·D], k and v [N, Hkv·D] → [N, H·D].
     *
     * @param caches one for each segment, or none at all
     * @param prefixes what stands before each segment's own keys and values; empty for nothing
     */
    Var apply(
            Tape tape,
            Var q,
            Var k,
            Var v,
            Rotary.Angles angles,
            Tokens tokens,
            int layer,
            List<KvCache> caches,
            List<List<Hook.Prefix>> prefixes) {
        long rows = q.value().size(0);
        boolean records =
                tape.needs(q, k, v)
                        || prefixes.stream()
                                .flatMap(List::stream)
                                .anyMatch(p -> tape.needs(p.keys(), p.values()));
        List<Tensor> logSumExp;
        Tensor out;
        Tensor turnedQ;
        Tensor turnedK;
        boolean together;
        try (var here = Scope.open()) {
            turnedQ = angles.turn(q.value().view(rows, heads, headDim), false);
            turnedK = angles.turn(k.value().view(rows, kvHeads, headDim), false);
            Tensor values = v.value().view(rows, kvHeads, headDim);
            out = here.give(Tensor.empty(turnedQ.dtype(), rows, (long) heads * headDim));
            together =
                    caches.isEmpty()
                            && prefixes.isEmpty()
                            && Kernels.fitAttention(turnedQ, turnedK, values);
            if (together) {
                Tensor sums = Tensor.empty(turnedQ.dtype(), rows, heads);
                CausalAttention.forward(turnedQ, turnedK, values, tokens.starts(), out, sums);
                logSumExp = List.of(sums);
            } else {
                var parts = new SegmentAttention.Parts(turnedQ, turnedK, values, out, prefixes);
                logSumExp = segments().forward(parts, tokens, layer, caches, records);
            }
            if (records) {
                here.give(turnedQ);
                here.give(turnedK);
                logSumExp.forEach(here::give);
            }
        }
        if (!records) return Var.constant(out);
        var kept =
                new Kept(
                        tape.saveActivation(turnedQ),
                        tape.saveActivation(turnedK),
                        tape.save(v),
                        tape.saveActivation(out),
                        logSumExp.stream().map(tape::save).toList(),
                        new Rotary.Angles(tape.save(angles.cos()), tape.save(angles.sin())),
                        prefixes,
                        together);
        return tape.record(out, kept.out, dy -> backward(q, k, v, kept, tokens, dy));
    }

    private SegmentAttention segments() {
        return new SegmentAttention(heads, kvHeads, headDim);
    }

    private void backward(Var q, Var k, Var v, Kept kept, Tokens tokens, Tensor dy) {
        long rows = dy.size(0);
        Tensor dq = Tensor.empty(dy.dtype(), rows, heads, headDim);
        Tensor dk = Tensor.empty(dy.dtype(), rows, kvHeads, headDim);
        Tensor dv = Tensor.empty(dy.dtype(), rows, kvHeads, headDim);
        Tensor turnedQ = kept.q.get();
        Tensor turnedK = kept.k.get();
        Tensor values = kept.v.get().view(rows, kvHeads, headDim);
        Tensor out = kept.out.get();
        if (kept.together) {
            Tensor sums = kept.logSumExp.getFirst();
            CausalAttention.backward(
                    dy.contiguous(),
                    turnedQ,
                    turnedK,
                    values,
                    tokens.starts(),
                    out,
                    sums,
                    dq,
                    dk,
                    dv);
        } else {
            var parts = new SegmentAttention.Parts(turnedQ, turnedK, values, out, kept.prefixes);
            segments().backward(parts, tokens, kept.logSumExp, dy, dq, dk, dv);
        }
        q.accumulate(kept.angles.turn(dq, true).view(rows, -1));
        k.accumulate(kept.angles.turn(dk, true).view(rows, -1));
        v.accumulate(dv.view(rows, -1));
    }
}
