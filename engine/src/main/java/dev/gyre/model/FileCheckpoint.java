package dev.gyre.model;

import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.StoredTensor;
import dev.gyre.format.TensorFile;
import dev.gyre.quant.Dense;
import dev.gyre.quant.Encodings;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Device;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Parameters from a safetensors or GGUF file. Half-precision numbers are kept as they are,
 * quantised blocks are decoded to f32 as they are loaded.
 */
final class FileCheckpoint implements Checkpoint {
    /** How a family's file differs from the names and layouts of Hugging Face. */
    interface Layout {
        /** The file's name of a parameter. */
        String name(String parameter);

        /** The parameter as Hugging Face lays it out, from the file's; most are the same. */
        default Tensor arranged(String parameter, Tensor values) {
            return values;
        }

        static Layout as(UnaryOperator<String> names) {
            return names::apply;
        }
    }

    private final TensorFile file;
    private final Layout layout;
    private final Scope home;
    private final Map<String, Weight> loaded = new HashMap<>();

    FileCheckpoint(TensorFile file, Layout layout, Scope home) {
        this.file = file;
        this.layout = layout;
        this.home = home;
    }

    @Override
    public boolean has(String name) {
        return file.names().contains(layout.name(name));
    }

    @Override
    public Weight weight(String name, long out, long in) {
        return loaded.computeIfAbsent(name, n -> new Dense(load(n, out, in)));
    }

    @Override
    public Tensor vector(String name, long length) {
        try (var _ = Scope.open()) {
            return home.adopt(load(name, length).to(DType.F32));
        }
    }

    private Tensor load(String name, long... shape) {
        String theirs = layout.name(name);
        if (!file.names().contains(theirs))
            throw new UserError(
                    file.path()
                            + ": the tensor "
                            + theirs
                            + " is missing; is the file whole, and of this family?");
        StoredTensor stored = file.tensor(theirs);
        if (!Arrays.equals(stored.shape(), shape))
            throw new UserError(
                    "%s: %s has shape %s, the configuration says %s"
                            .formatted(
                                    file.path(),
                                    theirs,
                                    Arrays.toString(stored.shape()),
                                    Arrays.toString(shape)));
        try (var _ = Scope.open()) {
            return home.adopt(layout.arranged(name, numbers(stored)).contiguous());
        }
    }

    private static Tensor numbers(StoredTensor stored) {
        DType half =
                stored.type() == ElementType.BF16
                        ? DType.BF16
                        : stored.type() == ElementType.F16 ? DType.F16 : null;
        if (half != null) return Tensor.of(half, stored.data(), stored.shape());
        if (Device.current() != Device.CPU)
            return Tensor.of(Encodings.decode(stored), stored.shape());
        Tensor out = Tensor.empty(DType.F32, stored.shape());
        Encodings.decode(stored, out.segment());
        return out;
    }
}
