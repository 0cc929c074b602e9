package dev.gyre.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.Safetensors;
import dev.gyre.format.StoredTensor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;

class EncodingsTest {
    static final Path GOLDEN = Path.of("src/test/resources/golden/blocks/blocks.safetensors");

    static Stream<ElementType> types() {
        return Encodings.readable().stream().sorted();
    }

    @ParameterizedTest
    @MethodSource("types")
    void equalsTheReferenceBitForBit(ElementType type) {
        try (var arena = Arena.ofConfined()) {
            var golden = Safetensors.open(GOLDEN, arena);
            var data = golden.tensor(type + ".bytes").data();
            long elements = data.byteSize() / type.blockBytes() * type.blockElements();
            float[] got =
                    Encodings.decode(new StoredTensor("x", type, new long[] {elements}, data));
            float[] wanted =
                    golden.tensor(type + ".values")
                            .data()
                            .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            assertThat(bits(got)).containsExactly(bits(wanted));
        }
    }

    /** Native memory is decoded by kernels, arrays by plain loops. */
    @ParameterizedTest
    @MethodSource("types")
    void theKernelEqualsThePlainLoopBitForBit(ElementType type) {
        var tensor = random(type, 7, 512);
        try (var arena = Arena.ofConfined()) {
            var data = arena.allocate(tensor.data().byteSize(), 64).copyFrom(tensor.data());
            var out = arena.allocate(4 * tensor.elements(), 64);
            Encodings.decode(new StoredTensor("x", type, tensor.shape(), data), out);
            assertThat(bits(out.toArray(ValueLayout.JAVA_FLOAT)))
                    .containsExactly(bits(Encodings.decode(tensor)));
        }
    }

    @Test
    void everyGoldenTypeIsRead() {
        try (var arena = Arena.ofConfined()) {
            var golden = Safetensors.open(GOLDEN, arena);
            assertThat(golden.names()).hasSize(2 * Encodings.readable().size());
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void rowsAreRowsOfTheWhole(ElementType type) {
        // rows longer than a chunk, and a chunk that ends within a row
        long in = 256 * 67;
        var tensor = random(type, 5, in);
        float[] whole = Encodings.decode(tensor);
        float[] rows = new float[(int) (2 * in)];
        Encodings.decodeRows(tensor, 3, 2, MemorySegment.ofArray(rows));
        // all NaN are one here: which of two payloads survives a sum is the compiler's choice
        for (int i = 0; i < rows.length; i++)
            assertThat(Float.floatToIntBits(rows[i]))
                    .isEqualTo(Float.floatToIntBits(whole[(int) (3 * in) + i]));
    }

    @Test
    void aTypeThatIsNotReadIsNamed() {
        var tensor =
                new StoredTensor(
                        "w",
                        ElementType.Q2_K,
                        new long[] {1, 256},
                        MemorySegment.ofArray(new byte[84]));
        assertThatThrownBy(() -> Encodings.decode(tensor))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("w is stored as Q2_K")
                .hasMessageContaining("Q4_K");
    }

    @Test
    void rowsOutsideAreRefused() {
        var tensor = random(ElementType.Q8_0, 2, 32);
        assertThatThrownBy(
                        () ->
                                Encodings.decodeRows(
                                        tensor, 1, 2, MemorySegment.ofArray(new float[64])))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(
                        () ->
                                Encodings.decodeRows(
                                        tensor, 0, 1, MemorySegment.ofArray(new float[31])))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void emptyTensorsAreEmpty() {
        var tensor =
                new StoredTensor(
                        "w",
                        ElementType.F32,
                        new long[] {0, 4},
                        MemorySegment.ofArray(new byte[0]));
        assertThat(Encodings.decode(tensor)).isEmpty();
    }

    private static StoredTensor random(ElementType type, long out, long in) {
        byte[] bytes = new byte[(int) type.bytes(out * in)];
        new Random(7).nextBytes(bytes);
        return new StoredTensor("x", type, new long[] {out, in}, MemorySegment.ofArray(bytes));
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) bits[i] = Float.floatToRawIntBits(values[i]);
        return bits;
    }
}
