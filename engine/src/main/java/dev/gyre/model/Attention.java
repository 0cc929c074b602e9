package dev.gyre.model;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.FlashAttention;
import dev.gyre.tensor.Saved;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.tensor.kernel.DecodeAttention;
import dev.gyre.tensor.kernel.Kernels;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

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
    private record Kept(
            Saved q,
            Saved k,
            Saved v,
            Saved out,
            List<Tensor> logSumExp,
            Rotary.Angles angles,
            List<List<Hook.Prefix>> prefixes) {
        List<Hook.Prefix> before(int segment) {
            return prefixes.isEmpty() ? List.of() : prefixes.get(segment);
        }
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
        var logSumExp = new ArrayList<Tensor>();
        Tensor out;
        Tensor turnedQ;
        Tensor turnedK;
        try (var here = Scope.open()) {
            turnedQ = angles.turn(q.value().view(rows, heads, headDim), false);
            turnedK = angles.turn(k.value().view(rows, kvHeads, headDim), false);
            Tensor values = v.value().view(rows, kvHeads, headDim);
            out = here.give(Tensor.empty(turnedQ.dtype(), rows, (long) heads * headDim));
            boolean decodes = !records && Kernels.fitDecode(turnedQ, turnedK, values);
            var alone = new ArrayList<DecodeAttention.Past>();
            for (int s = 0; s < tokens.segments(); s++) {
                int from = tokens.starts()[s];
                int count = tokens.starts()[s + 1] - from;
                if (count == 0) continue;
                List<Hook.Prefix> before = prefixes.isEmpty() ? List.of() : prefixes.get(s);
                if (decodes && count == 1 && before.isEmpty() && !caches.isEmpty()) {
                    alone.add(caches.get(s).past(layer, from, turnedK, values));
                    continue;
                }
                try (var segment = Scope.open()) {
                    Tensor ks = joined(before, Hook.Prefix::keys, turnedK, from, count);
                    Tensor vs = joined(before, Hook.Prefix::values, values, from, count);
                    Tensor qs = queries(turnedQ, from, count);
                    if (!caches.isEmpty()) {
                        List<Tensor> all = caches.get(s).append(layer, ks, vs);
                        ks = all.get(0);
                        vs = all.get(1);
                    }
                    Tensor mask = mask(qs.dtype(), count, ks.size(0));
                    boolean causal = ks.size(0) == count;
                    var result = FlashAttention.forward(qs, shared(ks), shared(vs), causal, mask);
                    queries(out, from, count).copyFrom(result.out());
                    if (records) logSumExp.add(here.give(segment.give(result.logSumExp())));
                }
            }
            if (!alone.isEmpty()) DecodeAttention.attend(turnedQ, turnedK, values, alone, out);
            if (records) {
                here.give(turnedQ);
                here.give(turnedK);
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
                        prefixes);
        return tape.record(out, kept.out, dy -> backward(q, k, v, kept, tokens, dy));
    }

    /** Keys or values [S, Hkv, D] of a segment: what stands before it, and its own. */
    private Tensor joined(
            List<Hook.Prefix> before,
            Function<Hook.Prefix, Var> part,
            Tensor own,
            long from,
            long count) {
        Tensor rows = own.narrow(0, from, count);
        if (before.isEmpty()) return rows;
        var all = new ArrayList<Tensor>();
        for (Hook.Prefix p : before)
            all.add(part.apply(p).value().to(own.dtype()).view(-1, kvHeads, headDim));
        all.add(rows);
        return Tensor.cat(all, 0);
    }

    /**
     * Row t of the new tokens sees all of the past and the new ones up to itself; null where a
     * plain causal mask, or none, says so.
     */
    private static @Nullable Tensor mask(DType type, int count, long total) {
        long past = total - count;
        if (past == 0 || count == 1) return null;
        Tensor mask = Tensor.zeros(type, count, total);
        Tensor ahead = Tensor.arange(total).unsqueeze(0).minus(Tensor.arange(count).unsqueeze(1));
        return mask.maskedFillInPlace(
                ahead.minus(Tensor.of(new long[] {past})).negate().below(0),
                Double.NEGATIVE_INFINITY);
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

    private void backward(Var q, Var k, Var v, Kept kept, Tokens tokens, Tensor dy) {
        long rows = dy.size(0);
        Tensor dq = Tensor.empty(dy.dtype(), rows, heads, headDim);
        Tensor dk = Tensor.empty(dy.dtype(), rows, kvHeads, headDim);
        Tensor dv = Tensor.empty(dy.dtype(), rows, kvHeads, headDim);
        Tensor turnedQ = kept.q.get();
        Tensor turnedK = kept.k.get();
        Tensor out = kept.out.get();
        Tensor values = kept.v.get().view(rows, kvHeads, headDim);
        int used = 0;
        for (int s = 0; s < tokens.segments(); s++) {
            int from = tokens.starts()[s];
            int count = tokens.starts()[s + 1] - from;
            if (count == 0) continue;
            try (var _ = Scope.open()) {
                var forward =
                        new FlashAttention.Result(
                                queries(out, from, count), kept.logSumExp.get(used++));
                List<Hook.Prefix> before = kept.before(s);
                Tensor ks = joined(before, Hook.Prefix::keys, turnedK, from, count);
                Tensor vs = joined(before, Hook.Prefix::values, values, from, count);
                List<Tensor> gradients =
                        FlashAttention.backward(
                                queries(dy, from, count),
                                queries(turnedQ, from, count),
                                shared(ks),
                                shared(vs),
                                forward,
                                ks.size(0) == count,
                                mask(dy.dtype(), count, ks.size(0)));
                queries(dq, from, count).copyFrom(gradients.get(0));
                split(gradients.get(1), before, Hook.Prefix::keys, dk.narrow(0, from, count));
                split(gradients.get(2), before, Hook.Prefix::values, dv.narrow(0, from, count));
            }
        }
        q.accumulate(kept.angles.turn(dq, true).view(rows, -1));
        k.accumulate(kept.angles.turn(dk, true).view(rows, -1));
        v.accumulate(dv.view(rows, -1));
    }

    /**
     * Hands the gradient at a segment's keys or values, [Hkv, G, S, D], to what stands before it
     * and to its own. The heads of a group add up to their shared key's gradient.
     */
    private void split(
            Tensor gradient,
            List<Hook.Prefix> before,
            Function<Hook.Prefix, Var> part,
            Tensor own) {
        Tensor all = gradient.sum(1, false).permute(1, 0, 2);
        long at = 0;
        for (Hook.Prefix p : before) {
            Var var = part.apply(p);
            Tensor rows = all.narrow(0, at, p.length()).reshape(var.value().shape());
            var.accumulateShared(rows.to(var.value().dtype()));
            at += p.length();
        }
        own.copyFrom(all.narrow(0, at, own.size(0)));
    }
}
