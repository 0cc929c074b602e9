package dev.gyre.model;

import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.List;
import java.util.Map;

/**
 * A frozen language model. It exposes slots, where adapters act, and its other parameters, which
 * they may replace; no call changes it. A pass takes, for each row, the adapters that act there.
 */
public interface Model extends AutoCloseable {
    /** The family's name, such as {@code llama}. */
    String family();

    int vocabulary();

    int layers();

    /** Longest sequence that its positions were made for, in tokens. */
    int contextTokens();

    /**
     * Its configuration as a Hugging Face {@code config.json} has it, with f32 weights.
     *
     * @param tiedHead whether the files hold no weight of the head's own
     */
    Map<String, Object> huggingFaceConfig(boolean tiedHead);

    /** How llama.cpp's files hold it. */
    GgufForm gguf();

    /** Every named linear map, in the model's own order, the embedding and the head among them. */
    List<Slot> slots();

    /** Every place where adapters may act and no weight stands, in the model's order. */
    List<HookPoint> hookPoints();

    /** Parameters that are not a slot's weight, by name: norms and biases. */
    Map<String, Tensor> vectors();

    /** Whether the head's weight is the embedding's. */
    boolean tiedHead();

    /**
     * Final hidden rows (after the last norm), [N, d].
     *
     * @param caches one for each segment, extended by its rows; or none at all
     */
    Var hidden(Tape tape, Tokens tokens, List<KvCache> caches);

    /** Logits of hidden rows: [M, d] → [M, vocabulary]. The spans cover the M rows. */
    Var logits(Tape tape, Var rows, List<Span> spans);

    /**
     * Σ −log p(label) · weight over the labelled rows; the root of the tape.
     *
     * @param labels the token that each row should predict, negative for none
     */
    Var loss(Tape tape, Tokens tokens, int[] labels, double weight);

    /** How many numbers it has. */
    default long parameters() {
        long slots =
                slots().stream()
                        .filter(s -> !(tiedHead() && s.kind() == Slot.Kind.HEAD))
                        .mapToLong(s -> s.weight().out() * s.weight().in())
                        .sum();
        return slots + vectors().values().stream().mapToLong(Tensor::elements).sum();
    }

    /** Frees the weights. */
    @Override
    void close();
}
