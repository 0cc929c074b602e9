package dev.gyre.model;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.FlashAttention;
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
 * Causal attention, one segment after another: what stands before a segment may be kept from
 * earlier tokens or come from an adapter. Keys and values are never repeated: a segment's key/value
 * heads take libtorch's batch dimension, and the queries of a group share them by a stride of zero.
 *
 * @param heads query heads, H
 * @param kvHeads key/value heads, Hkv; divides H
 * @param headDim D
 */
record SegmentAttention(int heads, int kvHeads, int headDim) {
    /**
     * What both passes read.
     *
     * @param q turned queries [N, H, D]
     * @param k turned keys [N, Hkv, D]
     * @param v values [N, Hkv, D]
     * @param out [N, H·D]
     * @param prefixes what stands before each segment's own keys and values; empty for nothing
     */
    record Parts(Tensor q, Tensor k, Tensor v, Tensor out, List<List<Hook.Prefix>> prefixes) {
        List<Hook.Prefix> before(int segment) {
            return prefixes.isEmpty() ? List.of() : prefixes.get(segment);
        }

        /** Unrounded: libtorch's backward pass wants the very scores of the forward pass. */
        Parts saved(Tape tape) {
            return new Parts(tape.save(q), tape.save(k), tape.save(v), tape.save(out), prefixes);
        }
    }

    /**
     * Fills the parts' out.
     *
     * @param caches one for each segment, or none at all
     * @param records whether a backward pass will come
     * @return what the backward pass needs besides: the log-sum-exp of each segment's scores
     */
    List<Tensor> forward(
            Parts parts, Tokens tokens, int layer, List<KvCache> caches, boolean records) {
        var logSumExp = new ArrayList<Tensor>();
        boolean decodes = !records && Kernels.fitAttention(parts.q, parts.k, parts.v);
        var alone = new ArrayList<DecodeAttention.Past>();
        for (int s = 0; s < tokens.segments(); s++) {
            int from = tokens.starts()[s];
            int count = tokens.starts()[s + 1] - from;
            if (count == 0) continue;
            List<Hook.Prefix> before = parts.before(s);
            if (decodes && count == 1 && before.isEmpty() && !caches.isEmpty()) {
                alone.add(caches.get(s).past(layer, from, parts.k, parts.v));
                continue;
            }
            try (var segment = Scope.open()) {
                Tensor ks = joined(before, Hook.Prefix::keys, parts.k, from, count);
                Tensor vs = joined(before, Hook.Prefix::values, parts.v, from, count);
                Tensor qs = queries(parts.q, from, count);
                if (!caches.isEmpty()) {
                    List<Tensor> all = caches.get(s).append(layer, ks, vs);
                    ks = all.get(0);
                    vs = all.get(1);
                }
                Tensor mask = mask(qs.dtype(), count, ks.size(0));
                boolean causal = ks.size(0) == count;
                var result = FlashAttention.forward(qs, shared(ks), shared(vs), causal, mask);
                queries(parts.out, from, count).copyFrom(result.out());
                if (records) logSumExp.add(segment.give(result.logSumExp()));
            }
        }
        if (!alone.isEmpty()) DecodeAttention.attend(parts.q, parts.k, parts.v, alone, parts.out);
        return logSumExp;
    }

    /**
     * From the gradient dy [N, H·D] at out: writes those at the segments' own queries, keys and
     * values, and hands theirs to the prefixes.
     *
     * @param logSumExp what {@link #forward} returned
     */
    void backward(
            Parts parts,
            Tokens tokens,
            List<Tensor> logSumExp,
            Tensor dy,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        int used = 0;
        for (int s = 0; s < tokens.segments(); s++) {
            int from = tokens.starts()[s];
            int count = tokens.starts()[s + 1] - from;
            if (count == 0) continue;
            try (var _ = Scope.open()) {
                var forward =
                        new FlashAttention.Result(
                                queries(parts.out, from, count), logSumExp.get(used++));
                List<Hook.Prefix> before = parts.before(s);
                Tensor ks = joined(before, Hook.Prefix::keys, parts.k, from, count);
                Tensor vs = joined(before, Hook.Prefix::values, parts.v, from, count);
                List<Tensor> gradients =
                        FlashAttention.backward(
                                queries(dy, from, count),
                                queries(parts.q, from, count),
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
