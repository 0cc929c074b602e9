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
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A Hugging Face folder whose linear layers bitsandbytes encoded, as far as transformers can tell.
 * Embedding, head and vectors stay plain. The file has what belongs to all codes before the codes
 * themselves, so each weight is encoded twice: the codes are made again when they are written, and
 * only one weight's are in memory.
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
        try (var turn = new Turn();
                var _ = Scope.open()) {
            List<TensorSource> tensors =
                    new ArrayList<>(
                            MergedFolder.tensors(
                                    base.model(), merging, s -> s.kind() != Slot.Kind.LINEAR));
            for (Slot slot : base.model().slots())
                if (slot.kind() == Slot.Kind.LINEAR)
                    tensors.addAll(encoded(merging, slot, turn, done));
            MergedFolder.write(out, tensors, beside);
        }
    }

    private List<TensorSource> encoded(
            Merging merging, Slot slot, Turn turn, Consumer<Gyre.EncodedWeight> done) {
        try (var _ = Scope.open()) {
            RowSource numbers = RowSource.of(new Dense(merging.weight(slot)));
            Made made = made(slot, numbers, turn);
            done.accept(
                    new Gyre.EncodedWeight(
                            slot.name(),
                            numbers.columns(),
                            made.rows.encoding(),
                            made.rows.encoding(),
                            RowChunks.difference(numbers, made.rows).relative()));
            return made.tensors.stream()
                    .map(
                            t ->
                                    t.name().equals(weight(slot))
                                            ? again(merging, slot, t, turn)
                                            : kept(t))
                    .toList();
        }
    }

    private Made made(Slot slot, RowSource numbers, Turn turn) {
        return encoder.encode(weight(slot), numbers, MergedFolder.dtype(slot), turn.next());
    }

    private static String weight(Slot slot) {
        return slot.name() + ".weight";
    }

    private static TensorSource kept(StoredTensor tensor) {
        byte[] bytes = tensor.data().toArray(ValueLayout.JAVA_BYTE);
        return new TensorSource(
                tensor.name(), tensor.type(), tensor.shape(), () -> MemorySegment.ofArray(bytes));
    }

    private TensorSource again(Merging merging, Slot slot, StoredTensor codes, Turn turn) {
        return new TensorSource(
                codes.name(),
                codes.type(),
                codes.shape(),
                () -> {
                    try (var _ = Scope.open()) {
                        var numbers = RowSource.of(new Dense(merging.weight(slot)));
                        return made(slot, numbers, turn).tensors.stream()
                                .filter(t -> t.name().equals(codes.name()))
                                .findFirst()
                                .orElseThrow()
                                .data();
                    }
                });
    }

    /** Memory for the weight whose turn it is. */
    private static final class Turn implements AutoCloseable {
        private Arena arena = Arena.ofShared();

        /** An arena that lives until the next one is asked for. */
        @SuppressWarnings("MustBeClosedChecker") // closed by the next call, or with this
        Arena next() {
            arena.close();
            arena = Arena.ofShared();
            return arena;
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
