package dev.gyre.model;

import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.StoredTensor;
import dev.gyre.format.TensorFile;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.quant.Bitsandbytes;
import dev.gyre.quant.Dense;
import dev.gyre.quant.Encoded;
import dev.gyre.quant.Encodings;
import dev.gyre.quant.RowSource;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Device;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Parameters from a safetensors or GGUF file. Plain numbers are copied as they are, quantised
 * blocks stay in the file until an encoding makes something else of them.
 */
final class FileCheckpoint implements Checkpoint {
    /** How a family's file differs from the names and layouts of Hugging Face. */
    interface Layout {
        /** The file's name of a parameter. */
        String name(String parameter);

        /** The file's row of each row of a parameter; null where they are the same. */
        default int @Nullable [] order(String parameter) {
            return null;
        }

        static Layout as(UnaryOperator<String> names) {
            return names::apply;
        }
    }

    /** Encodings of plain numbers, which are kept as they are. */
    private static final Set<String> PLAIN = Set.of("f32", "f16", "bf16");

    /** What follows from the configuration, and old files hold besides. */
    private static final Pattern DERIVED =
            Pattern.compile("rotary_emb\\.inv_freq$|^rope_freqs\\.weight$|attn_rot_embd$");

    private final TensorFile file;
    private final Layout layout;
    private final Scope home;
    private final BaseEncoding encoding;
    private final Map<String, Weight> stored = new HashMap<>();

    /** Names in the file. */
    private final Set<String> read = new HashSet<>();

    FileCheckpoint(TensorFile file, Layout layout, Scope home, BaseEncoding encoding) {
        this.encoding = encoding;
        this.file = file;
        this.layout = layout;
        this.home = home;
    }

    @Override
    public boolean has(String name) {
        return file.names().contains(layout.name(name));
    }

    @Override
    public Weight table(String name, long out, long in) {
        return stored.computeIfAbsent(name, n -> stored(n, out, in));
    }

    @Override
    public Weight head(String name, long out, long in) {
        Weight head = encoding.head().apply(table(name, out, in), home);
        wasRead(name);
        return head;
    }

    @Override
    public Weight weight(String name, long out, long in) {
        if (encoding.equals(BaseEncoding.STORED) || Device.current() != Device.CPU)
            return encoding.linear().apply(table(name, out, in), home);
        // Straight from the file: a copy of the plain numbers would stay beside the encoded ones.
        var mapped = new Encoded(rows(name, out, in), layout.order(name));
        Weight encoded = encoding.linear().apply(mapped, home);
        wasRead(name);
        return encoded;
    }

    /**
     * What was read of the file is in memory twice now, here and in its mapping, which lets go of
     * it; it would be mapped again if it were read again.
     */
    private void wasRead(String name) {
        StoredTensor tensor = file.tensors().get(layout.name(name));
        if (tensor != null && tensor.data().isMapped()) tensor.data().unload();
    }

    private Weight stored(String name, long out, long in) {
        RowSource rows = rows(name, out, in);
        boolean plain = PLAIN.contains(rows.encoding());
        if (!plain && Device.current() == Device.CPU) return new Encoded(rows, layout.order(name));
        try (var _ = Scope.open()) {
            Tensor numbers = plain ? numbers(find(name, out, in)) : decoded(rows);
            wasRead(name);
            return new Dense(home.adopt(ordered(name, numbers)));
        }
    }

    private RowSource rows(String name, long out, long in) {
        read.add(layout.name(name));
        RowSource rows =
                Bitsandbytes.read(file, layout.name(name))
                        .orElseGet(() -> Encodings.rows(find(name, out, in)));
        check(name, new long[] {rows.rows(), rows.columns()}, out, in);
        return rows;
    }

    private static Tensor decoded(RowSource rows) {
        float[] numbers = new float[Math.toIntExact(rows.rows() * rows.columns())];
        rows.decode(0, rows.rows(), MemorySegment.ofArray(numbers));
        return Tensor.of(numbers, rows.rows(), rows.columns());
    }

    private Tensor ordered(String name, Tensor numbers) {
        int[] order = layout.order(name);
        return order == null ? numbers : numbers.indexSelect(0, Tensor.of(order));
    }

    @Override
    public Tensor vector(String name, long length) {
        try (var _ = Scope.open()) {
            return home.adopt(ordered(name, numbers(find(name, length))).to(DType.F32));
        }
    }

    private StoredTensor find(String name, long... shape) {
        String theirs = layout.name(name);
        if (!file.names().contains(theirs))
            throw new UserError(
                    file.path()
                            + ": the tensor "
                            + theirs
                            + " is missing; is the file whole, and of this family?");
        StoredTensor stored = file.tensor(theirs);
        read.add(theirs);
        check(name, stored.shape(), shape);
        return stored;
    }

    /**
     * Refuses a file that holds more than was asked for, a layer for example: the model would not
     * be what the file says.
     */
    void refuseUnread() {
        List<String> left = file.names().stream().filter(this::counts).sorted().toList();
        if (left.isEmpty()) return;
        throw new UserError(
                "%s: %d tensors have no place in the model that the configuration describes, %s for one; is it the file's own? To leave them out: --allow-unknown-keys"
                        .formatted(file.path(), left.size(), left.getFirst()));
    }

    private boolean counts(String name) {
        if (read.contains(name) || DERIVED.matcher(name).find()) return false;
        for (String weight : read) if (Bitsandbytes.belongsTo(weight, name)) return false;
        return !name.equals(layout.name("lm_head.weight")) || !isTheEmbedding(name);
    }

    /** Some files hold the one matrix of a tied model twice. */
    private boolean isTheEmbedding(String head) {
        String embedding = layout.name("model.embed_tokens.weight");
        return file.has(embedding)
                && file.tensor(head).data().mismatch(file.tensor(embedding).data()) == -1;
    }

    private void check(String name, long[] found, long... wanted) {
        if (!Arrays.equals(found, wanted))
            throw new UserError(
                    "%s: %s has shape %s, the configuration says %s"
                            .formatted(
                                    file.path(),
                                    layout.name(name),
                                    Arrays.toString(found),
                                    Arrays.toString(wanted)));
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
