package dev.gyre.model;

import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.DecodeAttention;

import java.util.ArrayList;
import java.util.List;

/** The keys and values of one sequence, layer by layer. Its tensors live until it is closed. */
public final class KvCache implements AutoCloseable {
    private record Layer(Tensor keys, Tensor values) {}

    private final Scope home = Scope.detached();
    private final List<Layer> layers = new ArrayList<>();
    private int length;
    private int capacity;

    /** Tokens whose keys and values all layers hold. */
    public int length() {
        return length;
    }

    /**
     * Appends to one layer and returns views of all that it holds now. The layers append in their
     * order, and the last one's {@link #advance} makes the new tokens count.
     *
     * @param k new keys [T, Hkv, D]
     * @return keys and values, each [length + T, Hkv, D]
     */
    List<Tensor> append(int layer, Tensor k, Tensor v) {
        int wanted = length + (int) k.size(0);
        Layer l = roomy(layer, k.size(0), k, v);
        l.keys.narrow(0, length, k.size(0)).copyFrom(k);
        l.values.narrow(0, length, v.size(0)).copyFrom(v);
        return List.of(l.keys.narrow(0, 0, wanted), l.values.narrow(0, 0, wanted));
    }

    /**
     * What is kept of one layer, with room for one more token, which is to be written there.
     *
     * @param row of the new token in k and v
     * @param k keys [N, Hkv, D] of new tokens, this sequence's among them
     */
    DecodeAttention.Past past(int layer, int row, Tensor k, Tensor v) {
        Layer l = roomy(layer, 1, k, v);
        return new DecodeAttention.Past(row, l.keys, l.values, length);
    }

    /**
     * Begins with the first tokens of another sequence, in every layer.
     *
     * @param tokens at most as many as the other has
     */
    public void beginLike(KvCache other, int tokens) {
        if (length > 0 || tokens > other.length)
            throw new IllegalStateException(
                    "%d tokens cannot begin with %d of %d".formatted(length, tokens, other.length));
        for (int i = 0; i < other.layers.size(); i++) {
            Layer theirs = other.layers.get(i);
            Layer own = roomy(i, tokens, theirs.keys, theirs.values);
            try (var _ = Scope.open()) {
                own.keys.narrow(0, 0, tokens).copyFrom(theirs.keys.narrow(0, 0, tokens));
                own.values.narrow(0, 0, tokens).copyFrom(theirs.values.narrow(0, 0, tokens));
            }
        }
        length = tokens;
    }

    private Layer roomy(int layer, long more, Tensor k, Tensor v) {
        int wanted = Math.toIntExact(length + more);
        if (layer == 0 && wanted > capacity)
            capacity = Math.max(wanted, Math.max(64, capacity * 2));
        if (layer == layers.size()) layers.add(new Layer(room(k), room(v)));
        if (layers.get(layer).keys.size(0) < capacity) layers.set(layer, grown(layers.get(layer)));
        return layers.get(layer);
    }

    private Tensor room(Tensor like) {
        try (var _ = Scope.open()) {
            return home.adopt(Tensor.empty(like.dtype(), capacity, like.size(1), like.size(2)));
        }
    }

    private Layer grown(Layer old) {
        var layer = new Layer(room(old.keys), room(old.values));
        try (var _ = Scope.open()) {
            layer.keys.narrow(0, 0, length).copyFrom(old.keys.narrow(0, 0, length));
            layer.values.narrow(0, 0, length).copyFrom(old.values.narrow(0, 0, length));
        }
        old.keys.free();
        old.values.free();
        return layer;
    }

    /** The new tokens of a forward pass are in. */
    void advance(int tokens) {
        length += tokens;
    }

    @Override
    public void close() {
        home.close();
    }
}
