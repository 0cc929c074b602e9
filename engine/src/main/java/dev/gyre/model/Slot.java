package dev.gyre.model;

import dev.gyre.quant.Weight;
import dev.gyre.tensor.Tensor;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * A named linear map of a model, where adapters attach: y = x·Wᵀ + bias. Its name is the module
 * path that Hugging Face uses, such as {@code model.layers.3.self_attn.q_proj}.
 *
 * @param kind what calls it
 * @param bias the base's parameter {@code name + ".bias"}, [out], where it has one
 */
public record Slot(String name, Kind kind, Weight weight, Optional<Tensor> bias) {
    /** What a slot is in its model. */
    public enum Kind {
        /** A linear layer inside a block. */
        LINEAR,
        /** The token embedding: its input is a one-hot row. */
        EMBEDDING,
        /** The output head. */
        HEAD
    }

    /** Width of what goes in; of an embedding, the vocabulary. */
    public long in() {
        return kind == Kind.EMBEDDING ? weight.out() : weight.in();
    }

    /** Width of what comes out. */
    public long out() {
        return kind == Kind.EMBEDDING ? weight.in() : weight.out();
    }

    /** The first number in the name's path: the layer's index. */
    public OptionalInt layer() {
        for (String part : name.split("\\."))
            if (!part.isEmpty() && part.chars().allMatch(Character::isDigit))
                return OptionalInt.of(Integer.parseInt(part));
        return OptionalInt.empty();
    }
}
