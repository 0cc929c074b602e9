package dev.gyre.quant;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.StoredTensor;
import dev.gyre.format.TensorFile;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/**
 * How bitsandbytes lays encoded weights out in safetensors. NF4: {@code X.weight} of packed bytes,
 * beside it {@code X.weight.absmax}, {@code .quant_map}, {@code .nested_absmax}, {@code
 * .nested_quant_map}, and JSON as bytes in {@code .quant_state.bitsandbytes__nf4}. int8: {@code
 * X.weight} of signed bytes, {@code X.SCB} and {@code X.weight_format}.
 */
public final class Bitsandbytes {
    private static final String STATE = ".quant_state.bitsandbytes__";
    private static final String WEIGHT = "weight";

    private Bitsandbytes() {}

    /** Whether a weight is in one of the 4-bit types in this file. */
    public static boolean isFourBit(TensorFile file, String weight) {
        return file.names().stream().anyMatch(n -> n.startsWith(weight + STATE));
    }

    /** Whether a weight is int8 in this file. */
    public static boolean isInt8(TensorFile file, String weight) {
        return file.has(weight)
                && file.tensor(weight).type() == ElementType.I8
                && file.has(beside(weight, "SCB"));
    }

    /** Whether a tensor of a file is a part of an encoded weight. */
    public static boolean belongsTo(String weight, String name) {
        return name.startsWith(weight + ".")
                || name.equals(beside(weight, "SCB"))
                || name.equals(beside(weight, "weight_format"));
    }

    private static String beside(String weight, String name) {
        if (!weight.endsWith(WEIGHT)) return weight + "." + name;
        return weight.substring(0, weight.length() - WEIGHT.length()) + name;
    }

    /**
     * A weight in either encoding; empty when it is in neither. The bytes stay in the file.
     *
     * @throws UserError when a part of it is missing, has another size, or is of a kind not known
     *     here
     */
    public static Optional<RowSource> read(TensorFile file, String weight) {
        if (isFourBit(file, weight)) return Optional.of(nf4(file, weight));
        if (isInt8(file, weight)) return Optional.of(int8(file, weight));
        return Optional.empty();
    }

    /**
     * Reads an NF4 weight.
     *
     * @throws UserError see {@link #read}
     */
    public static Nf4 nf4(TensorFile file, String weight) {
        StoredTensor bytes =
                file.names().stream()
                        .filter(n -> n.startsWith(weight + STATE))
                        .findFirst()
                        .map(file::tensor)
                        .orElseThrow(() -> missing(file, weight + STATE + "nf4"));
        String text =
                new String(bytes.data().toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        Tree state = Json.read(text, file.path() + ", " + bytes.name());
        String type = state.need("quant_type").text();
        if (!type.equals("nf4"))
            throw state.need("quant_type").wrong("\"nf4\", the only 4-bit type known here");
        List<Tree> shape = state.need("shape").items();
        if (shape.size() != 2) throw state.need("shape").wrong("two sizes");
        long rows = positive(shape.get(0), Integer.MAX_VALUE);
        long columns = positive(shape.get(1), Integer.MAX_VALUE);
        int block = block(state.need("blocksize"));
        long blocks = Math.ceilDiv(rows * columns, block);
        checkMap(part(file, weight + ".quant_map", 4L * 16), Nf4.code());
        var packed = part(file, weight, Math.ceilDiv(rows * columns, 2));
        if (!file.has(weight + ".nested_absmax"))
            return new Nf4(
                    rows,
                    columns,
                    block,
                    packed.data(),
                    part(file, weight + ".absmax", 4 * blocks).data(),
                    null);
        int nestedBlock = block(state.need("nested_blocksize"));
        long scales = Math.ceilDiv(blocks, nestedBlock);
        var nested =
                new Nf4.Nested(
                        part(file, weight + ".nested_absmax", 4 * scales).data(),
                        part(file, weight + ".nested_quant_map", 4L * 256).data(),
                        nestedBlock,
                        (float) state.need("nested_offset").real());
        return new Nf4(
                rows,
                columns,
                block,
                packed.data(),
                part(file, weight + ".absmax", blocks).data(),
                nested);
    }

    /**
     * Reads an int8 weight.
     *
     * @throws UserError see {@link #read}
     */
    public static Int8Rows int8(TensorFile file, String weight) {
        StoredTensor codes = file.tensor(weight);
        if (codes.shape().length != 2)
            throw new UserError(file.path() + ": " + codes + " is not a matrix");
        String format = beside(weight, "weight_format");
        if (file.has(format) && file.tensor(format).data().get(ValueLayout.JAVA_BYTE, 0) != 0)
            throw new UserError(
                    "%s: %s is not 0 (by rows), the only order known here; save the model again with a newer bitsandbytes"
                            .formatted(file.path(), format));
        long rows = codes.shape()[0];
        var absmax = part(file, beside(weight, "SCB"), 4 * rows);
        return new Int8Rows(rows, codes.shape()[1], codes.data(), absmax.data());
    }

    private static long positive(Tree tree, long most) {
        long value = tree.whole();
        if (value < 1 || value > most) throw tree.wrong("a number from 1 to " + most);
        return value;
    }

    private static int block(Tree tree) {
        long size = tree.whole();
        if (size < 32 || size > 4096 || Long.bitCount(size) != 1)
            throw tree.wrong("a power of two from 32 to 4096");
        return (int) size;
    }

    private static StoredTensor part(TensorFile file, String name, long bytes) {
        if (!file.has(name)) throw missing(file, name);
        StoredTensor tensor = file.tensor(name);
        if (tensor.data().byteSize() != bytes)
            throw new UserError(
                    "%s: %s takes %d bytes, its weight's shape and blocks need %d"
                            .formatted(file.path(), tensor, tensor.data().byteSize(), bytes));
        return tensor;
    }

    private static UserError missing(TensorFile file, String name) {
        return new UserError(
                "%s: the tensor %s is missing; is the file whole, and written by bitsandbytes?"
                        .formatted(file.path(), name));
    }

    private static void checkMap(StoredTensor map, float[] wanted) {
        for (int i = 0; i < wanted.length; i++)
            if (map.data().get(Floats.LAYOUT, 4L * i) != wanted[i])
                throw new UserError(map + " holds other codes than NF4's");
    }

    /**
     * The tensors of a weight made here.
     *
     * @param dtype what torch calls the type that the weight had, such as {@code bfloat16}
     */
    public static List<StoredTensor> tensors(String weight, Nf4 nf4, String dtype) {
        var state = new LinkedHashMap<String, Object>();
        state.put("quant_type", "nf4");
        state.put("blocksize", nf4.block());
        state.put("dtype", dtype);
        state.put("shape", List.of(nf4.rows(), nf4.columns()));
        var out = new ArrayList<StoredTensor>();
        out.add(bytes(weight, nf4.packed(), nf4.packed().byteSize(), 1));
        out.add(floats(weight + ".quant_map", MemorySegment.ofArray(Floats.little(Nf4.code()))));
        if (nf4.nested() == null) {
            out.add(floats(weight + ".absmax", nf4.absmax()));
        } else {
            out.add(bytes(weight + ".absmax", nf4.absmax(), nf4.absmax().byteSize()));
            out.add(floats(weight + ".nested_absmax", nf4.nested().scales()));
            out.add(floats(weight + ".nested_quant_map", nf4.nested().map()));
            state.put("nested_blocksize", nf4.nested().block());
            state.put("nested_dtype", "float32");
            // as Python writes an f32 number that became a float
            state.put("nested_offset", (double) nf4.nested().offset());
        }
        var json = MemorySegment.ofArray(Json.write(state).getBytes(StandardCharsets.UTF_8));
        out.add(bytes(weight + STATE + "nf4", json, json.byteSize()));
        return out;
    }

    /** The tensors of a weight made here. */
    public static List<StoredTensor> tensors(String weight, Int8Rows int8) {
        long[] shape = {int8.rows(), int8.columns()};
        return List.of(
                new StoredTensor(weight, ElementType.I8, shape, int8.codes()),
                floats(beside(weight, "SCB"), int8.absmax()),
                bytes(beside(weight, "weight_format"), MemorySegment.ofArray(new byte[1])));
    }

    private static StoredTensor bytes(String name, MemorySegment data, long... shape) {
        return new StoredTensor(name, ElementType.U8, shape, data);
    }

    private static StoredTensor floats(String name, MemorySegment data) {
        return new StoredTensor(name, ElementType.F32, new long[] {data.byteSize() / 4}, data);
    }
}
