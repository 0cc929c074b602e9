package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

class GgufTest {
    static final Path PYTHON = Path.of("src/test/resources/golden/formats/every.gguf");

    @TempDir Path folder;

    @Test
    void readsEachKindOfValueThatPythonWrites() {
        var m = open().metadata();
        assertThat(m.text("general.architecture")).isEqualTo("llama");
        assertThat(m.whole("t.u8")).isEqualTo(200);
        assertThat(m.whole("t.i8")).isEqualTo(-100);
        assertThat(m.whole("t.u16")).isEqualTo(60000);
        assertThat(m.whole("t.i16")).isEqualTo(-30000);
        assertThat(m.whole("t.u32")).isEqualTo(4_000_000_000L);
        assertThat(m.whole("t.i32")).isEqualTo(-2_000_000_000);
        assertThat(m.whole("t.u64")).isEqualTo(Long.MAX_VALUE);
        assertThat(m.value("t.u64max")).isEqualTo(BigInteger.TWO.pow(64).subtract(BigInteger.ONE));
        assertThat(m.whole("t.i64")).isEqualTo(Long.MIN_VALUE);
        assertThat(m.real("t.f32")).isEqualTo(0.1f);
        assertThat(m.real("t.f64")).isEqualTo(0.1);
        assertThat(m.real("t.u8")).isEqualTo(200);
        assertThat(m.bool("t.true")).isTrue();
        assertThat(m.bool("t.false")).isFalse();
        assertThat(m.text("t.text")).isEqualTo("Grüße 漢 😀");
        assertThat(m.texts("t.texts")).containsExactly("a", "", "Ġb");
        assertThat(m.wholes("t.ints")).containsExactly(1, -2, 3);
        assertThat(m.reals("t.ints")).containsExactly(1, -2, 3);
        assertThat(m.reals("t.reals")).containsExactly(0.5, -1.25);
        assertThat(m.value("t.flags")).isEqualTo(new boolean[] {true, false});
        assertThat((List<?>) m.value("t.nested"))
                .satisfiesExactly(
                        a -> assertThat(a).isEqualTo(new long[] {1, 2}),
                        b -> assertThat(b).isEqualTo(new long[] {3}));
        assertThat(m.wholes("t.bytes")).containsExactly(1, 255);
    }

    @Test
    void tensorsComeInTorchOrder() {
        var file = open();
        assertThat(file.path()).isEqualTo(PYTHON);
        assertThat(file.names()).containsExactly("m.F32", "m.F16", "m.Q4_1", "m.Q6_K", "m.I32");
        var types =
                List.of(
                        ElementType.F32,
                        ElementType.F16,
                        ElementType.Q4_1,
                        ElementType.Q6_K,
                        ElementType.I32);
        long[][] shapes = {{3, 5}, {2, 3}, {2, 64}, {1, 256}, {1, 2}};
        for (int place = 0; place < types.size(); place++) {
            var tensor = file.tensor("m." + types.get(place));
            assertThat(tensor.type()).isEqualTo(types.get(place));
            assertThat(tensor.shape()).isEqualTo(shapes[place]);
            assertThat(SafetensorsTest.bytes(tensor))
                    .isEqualTo(SafetensorsTest.pattern((int) tensor.data().byteSize(), place));
        }
    }

    @Test
    void versionTwoIsReadToo() throws IOException {
        byte[] bytes = Files.readAllBytes(PYTHON);
        bytes[4] = 2;
        assertThat(Gguf.read(PYTHON, MemorySegment.ofArray(bytes)).names()).hasSize(5);
    }

    /** What is asked for, by an accessor's name. */
    private static Function<String, Object> accessor(GgufMetadata m, String name) {
        return switch (name) {
            case "text" -> m::text;
            case "whole" -> m::whole;
            case "size" -> m::size;
            case "real" -> m::real;
            case "bool" -> m::bool;
            case "texts" -> m::texts;
            case "wholes" -> m::wholes;
            default -> m::reals;
        };
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "text   | t.u8    | must be text, not 200",
                "whole  | t.text  | must be a whole number, not \"Grüße",
                "whole  | t.u64max| must be a whole number, not 18446744073709551615",
                "size   | t.u32   | must be a whole number from 0 below 2147483648, not 4000000000",
                "size   | t.i8    | must be a whole number from 0",
                "real   | t.true  | must be a number, not true",
                "bool   | t.u8    | must be true or false, not 200",
                "texts  | t.ints  | must be a list of texts, not a list of 3 whole numbers",
                "texts  | t.nested| must be a list of texts, not a list of 2",
                "wholes | t.reals | must be a list of whole numbers, not a list of 2 numbers",
                "reals  | t.flags | must be a list of numbers, not a list of 2 truth values",
                "text   | t.txt   | has no metadata key \"t.txt\"",
            })
    void aValueOfAnotherKindIsNamed(String accessor, String key, String message) {
        var m = open().metadata();
        assertThatThrownBy(() -> accessor(m, accessor).apply(key))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("every.gguf")
                .hasMessageContaining(key)
                .hasMessageContaining(message);
    }

    @Test
    void aMissingValueHasASubstituteButAWrongOneHasNot() {
        var m = open().metadata();
        assertThat(m.wholeOr("none", 7)).isEqualTo(7);
        assertThat(m.sizeOr("none", 7)).isEqualTo(7);
        assertThat(m.realOr("none", 0.5)).isEqualTo(0.5);
        assertThat(m.textOr("none", "x")).isEqualTo("x");
        assertThat(m.boolOr("none", true)).isTrue();
        assertThatThrownBy(() -> m.wholeOr("t.text", 7)).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> m.text("general.architectur"))
                .hasMessageContaining("did you mean \"general.architecture\"?");
    }

    @Test
    void aMissingTensorNamesItsNeighbour() {
        var file = open();
        assertThat(file.has("m.F31")).isFalse();
        assertThatThrownBy(() -> file.tensor("m.F31"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(
                        "every.gguf has no tensor \"m.F31\"; did you mean \"m.F32\"?");
    }

    @Test
    void whatIsNoFileIsRefused() throws IOException {
        assertThatThrownBy(() -> open("nothing.gguf"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no such file");
        assertThatThrownBy(() -> open(""))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is a folder");
        Files.write(folder.resolve("empty.gguf"), new byte[0]);
        assertThatThrownBy(() -> open("empty.gguf"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is not a GGUF file");
        Files.copy(SafetensorsTest.PYTHON, folder.resolve("other.gguf"));
        assertThatThrownBy(() -> open("other.gguf"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is not a GGUF file");
        Files.createSymbolicLink(folder.resolve("null.gguf"), Path.of("/dev/null"));
        assertThatThrownBy(() -> open("null.gguf"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not a plain file");
    }

    private static Gguf open() {
        return Gguf.open(PYTHON, Arena.ofAuto());
    }

    private void open(String name) {
        Gguf.open(folder.resolve(name), Arena.ofAuto());
    }
}
