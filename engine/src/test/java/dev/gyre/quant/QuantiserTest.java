package dev.gyre.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.Safetensors;
import dev.gyre.format.StoredTensor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;

class QuantiserTest {
    private static final Path GOLDEN =
            Path.of("src/test/resources/golden/encoded/encoded.safetensors");

    static Stream<ElementType> written() {
        return Encodings.writable().stream().sorted();
    }

    static Stream<ElementType> blocks() {
        return written().filter(t -> t.blockElements() > 1);
    }

    private static byte[] encode(ElementType type, float[] values, int rows) {
        return Quantiser.blocks("w", type, Gen.rows(values, rows), Arena.ofAuto())
                .data()
                .toArray(ValueLayout.JAVA_BYTE);
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void equalsTheReferenceByteForByte(ElementType type) {
        try (var arena = Arena.ofConfined()) {
            var golden = Safetensors.open(GOLDEN, arena);
            float[] values =
                    golden.tensor("values").data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            byte[] wanted = golden.tensor(type + ".bytes").data().toArray(ValueLayout.JAVA_BYTE);
            int each = wanted.length / (values.length / 256);
            for (int r = 0; r < values.length / 256; r++) {
                float[] row = Arrays.copyOfRange(values, 256 * r, 256 * (r + 1));
                byte[] blocks = Arrays.copyOfRange(wanted, each * r, each * (r + 1));
                if (finite(type, blocks))
                    assertThat(HexFormat.of().formatHex(encode(type, row, 1)))
                            .as("row %d", r)
                            .isEqualTo(HexFormat.of().formatHex(blocks));
                else
                    assertThatThrownBy(() -> encode(type, row, 1))
                            .as("row %d, where the reference's scale is infinite", r)
                            .isInstanceOf(UserError.class);
            }
        }
    }

    private static boolean finite(ElementType type, byte[] blocks) {
        var stored = new StoredTensor("w", type, new long[] {256}, MemorySegment.ofArray(blocks));
        for (float value : Encodings.decode(stored)) if (!Float.isFinite(value)) return false;
        return true;
    }

    @ParameterizedTest
    @CsvSource({
        "Q4_0, 402ef258be1379df359bf147ac0268ce248a",
        "Q4_1, 892e40baf257bd1379cf358ae146ac0268bd2479",
        "Q8_0, 4d1e9dfb59b61472d02e8be947a50361be1c7ad73593f14fac0a68c62481df3d9af8",
    })
    void equalsTheSpecifiedBlocks(ElementType type, String hex) {
        assertThat(HexFormat.of().formatHex(encode(type, Gen.of(32), 1))).isEqualTo(hex);
    }

    @ParameterizedTest
    @CsvSource({"Q4_0, .0862", "Q4_1, .0782", "Q8_0, .00537", "Q4_K, .0715", "Q6_K, .0178"})
    void losesAsMuchOfNormalNumbersAsSpecified(ElementType type, double relative) {
        var random = new Random(3);
        float[] values = new float[64 * 1024];
        for (int i = 0; i < values.length; i++) values[i] = (float) (0.02 * random.nextGaussian());
        var before = Gen.rows(values, 64);
        var after = Encodings.rows(Quantiser.blocks("w", type, before, Arena.ofAuto()));
        assertThat(RowChunks.difference(before, after).relative())
                .isCloseTo(relative, within(0.01 * relative));
    }

    @ParameterizedTest
    @MethodSource("written")
    void zerosStayZeros(ElementType type) {
        var made = Quantiser.blocks("w", type, Gen.rows(new float[512], 2), Arena.ofAuto());
        for (float value : Encodings.decode(made)) assertThat(value).isZero();
    }

    @Test
    void theZeroBlockOfQ40HasItsSpecifiedBytes() {
        assertThat(HexFormat.of().formatHex(encode(ElementType.Q4_0, new float[32], 1)))
                .isEqualTo("0080" + "88".repeat(16));
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"F32", "F16", "BF16"})
    void plainNumbersThatFitStayWhatTheyAre(ElementType type) {
        float[] values = {0, 1, -0.5f, 0.09375f, 256, -1};
        var made = Quantiser.blocks("w", type, Gen.rows(values, 2), Arena.ofAuto());
        assertThat(Encodings.decode(made)).containsExactly(values);
    }

    @Test
    void bfloat16RoundsToTheNearestEven() {
        float[] values = {1 + 1 / 256f, 1 + 3 / 256f, 1 + 1.01f / 256, -1 - 1 / 256f};
        var made = Quantiser.blocks("w", ElementType.BF16, Gen.rows(values, 1), Arena.ofAuto());
        assertThat(Encodings.decode(made)).containsExactly(1, 1 + 4 / 256f, 1 + 2 / 256f, -1);
    }

    @ParameterizedTest
    @MethodSource("written")
    void everyCoreCountAndPlaceGivesTheSameRows(ElementType type) {
        float[] values = new float[700 * 256];
        var random = new Random(5);
        for (int i = 0; i < values.length; i++) values[i] = (float) random.nextGaussian();
        byte[] whole = encode(type, values, 700);
        float[] row = Arrays.copyOfRange(values, 699 * 256, 700 * 256);
        byte[] last = encode(type, row, 1);
        assertThat(Arrays.copyOfRange(whole, whole.length - last.length, whole.length))
                .containsExactly(last);
    }

    @ParameterizedTest
    @MethodSource("written")
    void brokenNumbersAreRefusedWithTheirRow(ElementType type) {
        for (float broken : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            float[] values = new float[512];
            values[300] = broken;
            assertThatThrownBy(
                            () ->
                                    Quantiser.blocks(
                                            "blk.0.w", type, Gen.rows(values, 2), Arena.ofAuto()))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("blk.0.w, row 1");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"})
    void numbersBeyondAScaleAreRefusedWithTheirRow(ElementType type) {
        float[] values = new float[512];
        values[300] = 3.4e38f;
        values[301] = -3.4e38f;
        assertThatThrownBy(() -> Quantiser.blocks("w", type, Gen.rows(values, 2), Arena.ofAuto()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("w, row 1: " + type);
    }

    @Test
    void rowsOfBrokenBlocksAndTypesWithoutEncoderAreRefused() {
        var rows = Gen.rows(new float[96], 2);
        assertThatThrownBy(() -> Quantiser.blocks("w", ElementType.Q8_0, rows, Arena.ofAuto()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("blocks of 32");
        assertThatThrownBy(() -> Quantiser.blocks("w", ElementType.Q2_K, rows, Arena.ofAuto()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Q2_K cannot be written");
    }

    @Test
    void emptyMatricesAreEmpty() {
        var rows = Gen.rows(new float[0], 0, 32);
        StoredTensor made = Quantiser.blocks("w", ElementType.Q8_0, rows, Arena.ofAuto());
        assertThat(made.data().byteSize()).isZero();
        assertThat(RowChunks.difference(rows, rows).relative()).isZero();
    }
}
