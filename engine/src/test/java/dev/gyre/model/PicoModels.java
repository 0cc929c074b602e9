package dev.gyre.model;

import dev.gyre.quant.BaseEncoding;
import dev.gyre.quant.Dense;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.HashMap;
import java.util.Map;

/** Tiny models with random weights from a seed. */
public final class PicoModels {
    private PicoModels() {}

    /** Two layers, four heads over two key/value heads, untied, no biases. */
    public static Model plain(DType type) {
        return of(type, false, false, Activations.KEEP);
    }

    /** As {@link #plain}, with biases everywhere and a tied head. */
    public static Model biased(DType type) {
        return of(type, true, true, Activations.KEEP);
    }

    /** As {@link #of}, its linear layers encoded. */
    public static Model encoded(DType type, String encoding) {
        return of(type, false, true, Activations.KEEP, BaseEncoding.named(encoding), 8);
    }

    public static Model of(DType type, boolean tied, boolean biases, Activations activations) {
        return of(type, tied, biases, activations, BaseEncoding.STORED, 8);
    }

    /** As {@link #plain}, with heads of whole vectors, for which attention has a kernel. */
    public static Model wideHeads(DType type, Activations activations) {
        return of(type, false, false, activations, BaseEncoding.STORED, 16);
    }

    private static Model of(
            DType type,
            boolean tied,
            boolean biases,
            Activations activations,
            BaseEncoding encoding,
            int headDim) {
        var config =
                new LlamaConfig(
                        97,
                        32,
                        48,
                        2,
                        4,
                        2,
                        headDim,
                        1e-5,
                        Rotary.of(headDim, 10000),
                        10000,
                        128,
                        tied,
                        biases,
                        biases);
        Scope home = Scope.detached();
        try (var random = Random.seeded(7)) {
            return new Llama(config, new Drawn(type, home, random, encoding), home, activations);
        }
    }

    private record Drawn(
            DType type,
            Scope home,
            Random random,
            BaseEncoding encoding,
            Map<String, Weight> weights)
            implements Checkpoint {
        Drawn(DType type, Scope home, Random random, BaseEncoding encoding) {
            this(type, home, random, encoding, new HashMap<>());
        }

        @Override
        public Weight table(String name, long out, long in) {
            return weights.computeIfAbsent(name, _ -> draw(out, in));
        }

        @Override
        public boolean has(String name) {
            return true;
        }

        @Override
        public Weight head(String name, long out, long in) {
            return table(name, out, in);
        }

        @Override
        public Weight weight(String name, long out, long in) {
            return encoding.linear().apply(table(name, out, in), home);
        }

        private Weight draw(long out, long in) {
            try (var _ = Scope.open()) {
                return new Dense(home.adopt(random.normal(out, in).timesInPlace(0.3).to(type)));
            }
        }

        @Override
        public Tensor vector(String name, long length) {
            try (var _ = Scope.open()) {
                double mean = name.endsWith(".bias") ? 0 : 1;
                return home.adopt(random.normal(length).timesInPlace(0.2).plus(mean).to(type));
            }
        }
    }
}
