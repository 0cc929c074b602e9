package dev.gyre;

import dev.gyre.format.AtomicFile;
import dev.gyre.format.StoredTensor;
import dev.gyre.format.TensorSource;
import dev.gyre.merge.Merging;
import dev.gyre.model.Slot;
import dev.gyre.quant.Bitsandbytes;
import dev.gyre.quant.Dense;
import dev.gyre.quant.Int8Rows;
import dev.gyre.quant.Nf4;
import dev.gyre.quant.RowChunks;
import dev.gyre.quant.RowSource;
import dev.gyre.tensor.Scope;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A Hugging Face folder whose linear layers bitsandbytes encoded, as far as transformers can tell.
 * Embedding, head and vectors stay plain. All encoded weights are in memory before they are
 * written.
 *
 * @param config what transformers' {@code quantization_config} says of the encoding
 */
record BitsandbytesFolder(Encoder encoder, Map<String, Object> config) implements ModelForm {
    /** How one weight is encoded. */
    @FunctionalInterface
    interface Encoder {
        /**
         * Encodes.
         *
         * @param name the weight's in the file
         * @param dtype what torch calls the type that it had
         */
        Made encode(String name, RowSource numbers, String dtype, Arena arena);
    }

    /** A weight, and the tensors that hold it. */
    record Made(RowSource rows, List<StoredTensor> tensors) {}

    static BitsandbytesFolder nf4() {
        return new BitsandbytesFolder(
                (name, numbers, dtype, arena) -> {
                    Nf4 made = Nf4.of(name, numbers, arena);
                    return new Made(made, Bitsandbytes.tensors(name, made, dtype));
                },
                Map.of(
                        "load_in_4bit", true,
                        "bnb_4bit_quant_type", "nf4",
                        "bnb_4bit_use_double_quant", true,
                        "bnb_4bit_compute_dtype", "float32",
                        "bnb_4bit_quant_storage", "uint8"));
    }

    static BitsandbytesFolder int8() {
        return new BitsandbytesFolder(
                (name, numbers, _, arena) -> {
                    Int8Rows made = Int8Rows.of(name, numbers, arena);
                    return new Made(made, Bitsandbytes.tensors(name, made));
                },
                Map.of("load_in_8bit", true, "llm_int8_threshold", 6.0));
    }

    @Override
    public boolean folder() {
        return true;
    }

    @Override
    public void write(Base base, Merging merging, Path out, Consumer<Gyre.EncodedWeight> done) {
        var config = MergedFolder.config(base, merging);
        var quantisation =
                new LinkedHashMap<String, Object>(Map.of("quant_method", "bitsandbytes"));
        quantisation.putAll(this.config);
        quantisation.put("llm_int8_skip_modules", List.of("lm_head"));
        config.put("quantization_config", quantisation);
        List<AtomicFile.Part> beside = MergedFolder.beside(base, out, config);
        try (var arena = Arena.ofShared();
                var _ = Scope.open()) {
            List<TensorSource> tensors =
                    new ArrayList<>(
                            MergedFolder.tensors(
                                    base.model(), merging, s -> s.kind() != Slot.Kind.LINEAR));
            for (Slot slot : base.model().slots())
                if (slot.kind() == Slot.Kind.LINEAR)
                    for (StoredTensor tensor : encoded(merging, slot, arena, done))
                        tensors.add(TensorSource.of(tensor));
            MergedFolder.write(out, tensors, beside);
        }
    }

    private List<StoredTensor> encoded(
            Merging merging, Slot slot, Arena arena, Consumer<Gyre.EncodedWeight> done) {
        try (var _ = Scope.open()) {
            RowSource numbers = RowSource.of(new Dense(merging.weight(slot)));
            Made made =
                    encoder.encode(
                            slot.name() + ".weight", numbers, MergedFolder.dtype(slot), arena);
            done.accept(
                    new Gyre.EncodedWeight(
                            slot.name(),
                            numbers.columns(),
                            made.rows.encoding(),
                            made.rows.encoding(),
                            RowChunks.difference(numbers, made.rows).relative()));
            return made.tensors;
        }
    }
}
