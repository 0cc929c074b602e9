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
 * kernel where the segments are short and nothing stands before them, no caches and no prefixes,
 * else {@link SegmentAttention}. The backward pass keeps the turned queries and keys and the
 * values.
 *
 * @param heads query heads, H
 * @param kvHeads key/value heads, Hkv; divides H
 * @param headDim D
 */
record Attention(int heads, int kvHeads, int headDim) {
    /** Writes the gradients at turned queries and keys and at values, from that at the output. */
    @FunctionalInterface
    private interface Backward {
        void run(Tensor dy, Tensor dq, Tensor dk, Tensor dv);
    }

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
        try (var here = Scope.open()) {
            Tensor turnedQ = angles.turn(q.value().view(rows, heads, headDim), false);
            Tensor turnedK = angles.turn(k.value().view(rows, kvHeads, headDim), false);
            Tensor values = v.value().view(rows, kvHeads, headDim);
            Tensor out = here.give(Tensor.empty(turnedQ.dtype(), rows, (long) heads * headDim));
            Backward backward;
            if (caches.isEmpty()
                    && prefixes.isEmpty()
                    && Kernels.fitAttention(turnedQ, turnedK, values)) {
                CausalAttention.forward(turnedQ, turnedK, values, tokens.starts(), out);
                if (!records) return Var.constant(out);
                backward = together(tape, turnedQ, turnedK, v, tokens);
            } else {
                var parts = new SegmentAttention.Parts(turnedQ, turnedK, values, out, prefixes);
                var segments = new SegmentAttention(heads, kvHeads, headDim);
                List<Tensor> sums = segments.forward(parts, tokens, layer, caches, records);
                if (!records) return Var.constant(out);
                var kept = parts.saved(tape);
                var keptSums = sums.stream().map(tape::save).toList();
                backward =
                        (dy, dq, dk, dv) ->
                                segments.backward(kept, tokens, keptSums, dy, dq, dk, dv);
            }
            var turns = new Rotary.Angles(tape.save(angles.cos()), tape.save(angles.sin()));
            return tape.record(out, dy -> backward(q, k, v, turns, backward, dy));
        }
    }

    private Backward together(Tape tape, Tensor turnedQ, Tensor turnedK, Var v, Tokens tokens) {
        Saved q = tape.saveActivation(turnedQ);
        Saved k = tape.saveActivation(turnedK);
        Saved values = tape.save(v);
        return (dy, dq, dk, dv) ->
                CausalAttention.backward(
                        dy.contiguous(),
                        q.get(),
                        k.get(),
                        values.get().view(dv.shape()),
                        tokens.starts(),
                        dq,
                        dk,
                        dv);
    }

    private void backward(Var q, Var k, Var v, Rotary.Angles angles, Backward backward, Tensor dy) {
        long rows = dy.size(0);
        Tensor dq = Tensor.empty(dy.dtype(), rows, heads, headDim);
        Tensor dk = Tensor.empty(dy.dtype(), rows, kvHeads, headDim);
        Tensor dv = Tensor.empty(dy.dtype(), rows, kvHeads, headDim);
        backward.run(dy, dq, dk, dv);
        q.accumulate(angles.turn(dq, true).view(rows, -1));
        k.accumulate(angles.turn(dk, true).view(rows, -1));
        v.accumulate(dv.view(rows, -1));
    }
}
