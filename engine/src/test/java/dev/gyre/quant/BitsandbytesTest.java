package dev.gyre.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;
import dev.gyre.format.ElementType;
import dev.gyre.format.Safetensors;
import dev.gyre.format.StoredTensor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

class BitsandbytesTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/bitsandbytes");

    private final Arena arena = Arena.ofAuto();
    private final Safetensors encoded =
            Safetensors.open(GOLDEN.resolve("encoded.safetensors"), arena);
    private final Safetensors decoded =
            Safetensors.open(GOLDEN.resolve("decoded.safetensors"), arena);

    private float[] golden(String name) {
        return decoded.tensor(name).data().toArray(Floats.LAYOUT);
    }

    private static byte[] bytes(MemorySegment data) {
        return data.toArray(ValueLayout.JAVA_BYTE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4", "short", "plain", "int8"})
    void readsWhatBitsandbytesWroteToTheSameBits(String name) {
        var read = Bitsandbytes.read(encoded, name + ".weight").orElseThrow();
        assertThat(Gen.decoded(read)).containsExactly(golden(name + ".after"));
    }

    @Test
    void theDynamicMapIsItsOwnToTheBit() {
        assertThat(DynamicMap.map()).containsExactly(golden("dynamic_map"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4", "short"})
    void encodesTheSameCodesAndWithinOneTheSameScales(String name) {
        var before = Encodings.rows(decoded.tensor(name + ".before"));
        var made = Nf4.of(name, before, Arena.ofAuto());
        var theirs = Bitsandbytes.nf4(encoded, name + ".weight");
        assertThat(bytes(made.packed())).containsExactly(bytes(theirs.packed()));
        // their native library looks codes up in a table of bins, which may miss by one
        byte[] own = bytes(made.absmax());
        byte[] other = bytes(theirs.absmax());
        for (int i = 0; i < own.length; i++)
            assertThat(Math.abs((own[i] & 0xFF) - (other[i] & 0xFF))).isLessThanOrEqualTo(1);
    }

    @Test
    void encodesTheSameInt8() {
        var made = Int8Rows.of("w", Encodings.rows(decoded.tensor("int8.before")), Arena.ofAuto());
        var theirs = Bitsandbytes.int8(encoded, "int8.weight");
        assertThat(bytes(made.codes())).containsExactly(bytes(theirs.codes()));
        assertThat(bytes(made.absmax())).containsExactly(bytes(theirs.absmax()));
    }

    @Test
    void writesTheSameNamesTypesAndShapesAndReadsThemBack(@TempDir Path folder) {
        var nf4 = Nf4.of("w", Encodings.rows(decoded.tensor("nf4.before")), Arena.ofAuto());
        var int8 = Int8Rows.of("w", Encodings.rows(decoded.tensor("int8.before")), Arena.ofAuto());
        var tensors = new ArrayList<StoredTensor>();
        tensors.addAll(Bitsandbytes.tensors("nf4.weight", nf4, "float32"));
        tensors.addAll(Bitsandbytes.tensors("int8.weight", int8));
        Path file = folder.resolve("model.safetensors");
        Safetensors.write(file, Map.of("format", "pt"), tensors);
        var back = Safetensors.open(file, arena);
        for (var theirs : encoded.tensors().values()) {
            if (theirs.name().startsWith("short") || theirs.name().startsWith("plain")) continue;
            var ours = back.tensor(theirs.name());
            assertThat(ours.type()).as(ours.name()).isEqualTo(theirs.type());
            // the JSON has other spaces and perhaps another last digit
            if (!ours.name().contains("quant_state"))
                assertThat(ours.shape()).as(ours.name()).isEqualTo(theirs.shape());
        }
        assertThat(back.names()).hasSize(9);
        assertThat(Gen.decoded(Bitsandbytes.read(back, "nf4.weight").orElseThrow()))
                .containsExactly(Gen.decoded(nf4));
        assertThat(Gen.decoded(Bitsandbytes.read(back, "int8.weight").orElseThrow()))
                .containsExactly(Gen.decoded(int8));
    }

    /** A file of NF4 with its state's JSON changed. */
    private Safetensors changed(Path folder, UnaryOperator<String> json, String without) {
        var tensors = new ArrayList<StoredTensor>();
        for (var t : encoded.tensors().values()) {
            if (!t.name().startsWith("nf4") || t.name().equals(without)) continue;
            if (!t.name().contains("quant_state")) {
                tensors.add(t);
                continue;
            }
            String text = json.apply(new String(bytes(t.data()), StandardCharsets.UTF_8));
            byte[] data = text.getBytes(StandardCharsets.UTF_8);
            tensors.add(
                    new StoredTensor(
                            t.name(),
                            ElementType.U8,
                            new long[] {data.length},
                            MemorySegment.ofArray(data)));
        }
        Path file = folder.resolve("model.safetensors");
        Safetensors.write(file, Map.of(), tensors);
        return Safetensors.open(file, arena);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"nf4\"|\"fp4\"|quant_type",
                "48|47|takes 3072 bytes",
                "[48, 128]|[48, 128, 1]|two sizes",
                "[48, 128]|[-48, 128]|a number from 1",
                "64|63|power of two",
                "\"blocksize\": 64|\"blocksize\": 128|blocks need",
                "256|0|power of two",
                "{|[|not JSON",
                "\"shape\"|\"form\"|shape",
            })
    void aWrongStateIsRefusedByName(String from, String to, String message, @TempDir Path folder) {
        var file = changed(folder, text -> text.replace(from, to), "");
        assertThatThrownBy(() -> Bitsandbytes.read(file, "nf4.weight"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(message);
    }

    @Test
    void aMissingPartIsRefusedByName(@TempDir Path folder) {
        for (String name :
                List.of(
                        "nf4.weight",
                        "nf4.weight.absmax",
                        "nf4.weight.quant_map",
                        "nf4.weight.nested_quant_map")) {
            var file = changed(folder, text -> text, name);
            assertThatThrownBy(() -> Bitsandbytes.read(file, "nf4.weight"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(name + " is missing");
        }
    }

    @Test
    void otherWeightsAreInNeither() {
        assertThat(Bitsandbytes.read(decoded, "nf4.before")).isEmpty();
        assertThat(Bitsandbytes.read(decoded, "nothing")).isEmpty();
    }
}
