package dev.gyre.quant;

import dev.gyre.config.BadValue;
import dev.gyre.config.NearMiss;
import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.tensor.Device;
import dev.gyre.tensor.Int8Matrix;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.kernel.Kernels;

import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;

/**
 * How a model's frozen matrices are kept while it is used: a line of the registry.
 *
 * @param name in recipes and flags
 * @param meaning for help
 * @param linear from a linear layer's matrix as its file has it, and the owner of what is made of
 *     it
 * @param head the same for the output head's
 */
public record BaseEncoding(
        String name,
        String meaning,
        BiFunction<Weight, Scope, Weight> linear,
        BiFunction<Weight, Scope, Weight> head) {

    /** Blocks of a GGUF file as they lie there; plain numbers as they are. */
    public static final BaseEncoding STORED =
            new BaseEncoding("stored", "as the file has them", (w, _) -> w, (w, _) -> w);

    private static final List<BaseEncoding> ALL =
            List.of(
                    STORED,
                    new BaseEncoding(
                            "f32",
                            "decoded when the model is loaded",
                            Dense::decoded,
                            Dense::decoded),
                    new BaseEncoding(
                            "bf16x2",
                            "bf16 as it is, multiplied with activations of 16 bits by AMX units",
                            (w, home) -> Bf16x2.of(onTiles(w), home),
                            (w, home) -> Bf16x2.of(onTiles(w), home)),
                    new BaseEncoding(
                            "int8",
                            "8 bits, multiplied with activations rounded to 8 bits",
                            (w, home) -> Int8.of(possible(w), home),
                            (w, home) -> Int8.head(possible(w), home)),
                    encoded(
                            "nf4",
                            "4 bits, double quantisation (QLoRA)",
                            (numbers, arena) -> Nf4.of("a weight", numbers, arena)),
                    blocks(ElementType.Q8_0, "GGUF's blocks of 8 bits"),
                    blocks(ElementType.Q4_0, "GGUF's blocks of 4 bits"),
                    blocks(ElementType.Q4_K, "GGUF's super-blocks of 4 bits"));

    /** The registry's names, for help. */
    public static final String NAMES = "stored, f32, bf16x2, int8, nf4, q8_0, q4_0, q4_k";

    /** Encoded when the model is loaded; heads stay as the file has them. */
    private static BaseEncoding encoded(String name, String meaning, Encoded.Encoder encoder) {
        return new BaseEncoding(
                name,
                meaning,
                (w, home) -> Encoded.of(onProcessor(w, name), name, encoder, home),
                (w, _) -> w);
    }

    private static BaseEncoding blocks(ElementType type, String meaning) {
        return encoded(
                type.name().toLowerCase(Locale.ROOT),
                meaning,
                (numbers, arena) ->
                        Encodings.rows(
                                Quantiser.blocks(
                                        "a weight",
                                        Quantiser.fitting(type, numbers.columns()),
                                        numbers,
                                        arena)));
    }

    private static Weight onProcessor(Weight stored, String name) {
        if (Device.current() != Device.CPU)
            throw new UserError(
                    "the base encoding %s is decoded by the processor, not by a GPU; use: stored"
                            .formatted(name));
        return stored;
    }

    /** The registry, in the order of lists. */
    public static List<BaseEncoding> all() {
        return ALL;
    }

    /**
     * The line of a name.
     *
     * @throws BadValue for the key {@code base_encoding} when there is none
     */
    public static BaseEncoding named(String name) {
        return ALL.stream()
                .filter(e -> e.name.equals(name))
                .findFirst()
                .orElseThrow(() -> BadValue.saying("base_encoding", unknown(name)));
    }

    private static String unknown(String name) {
        return "= \"%s\" is not an encoding%s"
                .formatted(
                        name, NearMiss.hint(name, ALL.stream().map(BaseEncoding::name).toList()));
    }

    private static Weight onTiles(Weight stored) {
        if (Device.current() != Device.CPU || !Kernels.haveParts())
            throw new UserError(
                    "the base encoding bf16x2 needs a processor with matrix units for bf16"
                            + " (AMX: Intel Xeon from 2023 on); use: f32");
        return stored;
    }

    private static Weight possible(Weight stored) {
        if (!Int8Matrix.possible())
            throw new UserError(
                    "the base encoding int8 needs an x86-64 processor, not "
                            + System.getProperty("os.arch")
                            + " or a GPU; use: stored");
        return stored;
    }
}
