package dev.gyre;

import dev.gyre.format.ElementType;
import dev.gyre.format.Gguf;
import dev.gyre.format.GgufKeys;
import dev.gyre.format.TensorSource;
import dev.gyre.merge.Merging;
import dev.gyre.model.GgufForm;
import dev.gyre.model.Slot;
import dev.gyre.quant.Dense;
import dev.gyre.quant.Encodings;
import dev.gyre.quant.Quantiser;
import dev.gyre.quant.RowChunks;
import dev.gyre.quant.RowSource;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A GGUF file as llama.cpp's quantiser writes it, without an importance matrix: matrices in one
 * type where its blocks divide their rows, vectors in f32. What gives the logits keeps 6 bits at
 * least.
 */
record GgufModel(ElementType type) implements ModelForm {
    /** What can be written, in the order of lists. */
    static final List<ElementType> TYPES =
            List.of(
                    ElementType.Q8_0,
                    ElementType.Q4_0,
                    ElementType.Q4_1,
                    ElementType.Q5_0,
                    ElementType.Q5_1,
                    ElementType.Q4_K,
                    ElementType.Q5_K,
                    ElementType.Q6_K,
                    ElementType.F16,
                    ElementType.F32);

    /** {@code general.file_type} of each, in the same order; of K types the small mixture's. */
    private static final int[] FILE_TYPES = {7, 2, 3, 8, 9, 14, 16, 18, 1, 0};

    /** Types of 6 bits and more. */
    private static final Set<ElementType> FINE =
            Set.of(ElementType.Q8_0, ElementType.Q6_K, ElementType.F16, ElementType.F32);

    private static final String FREQUENCIES = "rope_freqs.weight";

    @Override
    public boolean folder() {
        return false;
    }

    @Override
    public void write(Base base, Merging merging, Path out, Consumer<Gyre.EncodedWeight> done) {
        GgufForm form = base.model().gguf();
        try (var arena = Arena.ofShared();
                var _ = Scope.open()) {
            var keys = new GgufKeys();
            var tensors = new ArrayList<TensorSource>();
            if (Files.isDirectory(base.place())) {
                form.describe(keys);
                GgufText.describe(base, keys);
            } else {
                var file = Gguf.open(base.place(), arena);
                keys = GgufKeys.copyOf(file.metadata());
                for (String key : file.metadata().keys())
                    if (key.startsWith("quantize.")) keys.remove(key);
                if (file.has(FREQUENCIES)) tensors.add(TensorSource.of(file.tensor(FREQUENCIES)));
            }
            keys.size("general.file_type", FILE_TYPES[TYPES.indexOf(type)])
                    .size("general.quantization_version", 2);
            for (Slot slot : base.model().slots())
                if (slot.kind() != Slot.Kind.HEAD || !merging.tied())
                    tensors.add(matrix(form, merging, slot, done));
            merging.vectors().forEach((name, value) -> tensors.add(vector(form, name, value)));
            Gguf.write(out, keys, tensors);
        }
    }

    private TensorSource matrix(
            GgufForm form, Merging merging, Slot slot, Consumer<Gyre.EncodedWeight> done) {
        boolean logits =
                slot.kind() == Slot.Kind.HEAD
                        || slot.kind() == Slot.Kind.EMBEDDING && merging.tied();
        var wanted = logits && !FINE.contains(type) ? ElementType.Q6_K : type;
        ElementType as = Quantiser.fitting(wanted, slot.weight().in());
        String name = slot.name() + ".weight";
        return new TensorSource(
                form.name(name),
                as,
                new long[] {slot.weight().out(), slot.weight().in()},
                () -> {
                    try (var _ = Scope.open()) {
                        Tensor w = ordered(form, name, merging.weight(slot));
                        RowSource numbers = RowSource.of(new Dense(w));
                        var made = Quantiser.blocks(slot.name(), as, numbers, Arena.ofAuto());
                        done.accept(
                                new Gyre.EncodedWeight(
                                        slot.name(),
                                        numbers.columns(),
                                        named(wanted),
                                        named(as),
                                        RowChunks.difference(numbers, Encodings.rows(made))
                                                .relative()));
                        return made.data();
                    }
                });
    }

    private static TensorSource vector(GgufForm form, String name, Tensor value) {
        return new TensorSource(
                form.name(name), ElementType.F32, value.shape(), () -> copied(form, name, value));
    }

    private static MemorySegment copied(GgufForm form, String name, Tensor value) {
        try (var _ = Scope.open()) {
            MemorySegment data = MergedFolder.finite(name, ordered(form, name, value)).segment();
            return Arena.ofAuto().allocate(data.byteSize(), 8).copyFrom(data);
        }
    }

    private static Tensor ordered(GgufForm form, String name, Tensor value) {
        int[] order = form.fileOrder(name);
        return order == null ? value : value.indexSelect(0, Tensor.of(order));
    }

    private static String named(ElementType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }
}
