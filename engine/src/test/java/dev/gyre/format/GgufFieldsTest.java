package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

class GgufFieldsTest {
    private static final int F32 = 0;
    private static final int Q8_0 = 8;
    private static final int TEXT = 8;
    private static final int ARRAY = 9;
    private static final int U32 = 4;

    @TempDir Path folder;

    private Gguf open(byte[] bytes, Arena arena) {
        try {
            return Gguf.open(Files.write(folder.resolve("m.gguf"), bytes), arena);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private UserError refused(byte[] bytes) {
        try (var arena = Arena.ofConfined()) {
            var file = open(bytes, arena);
            throw new AssertionError("was read: " + file.names());
        } catch (UserError e) {
            assertThat(e).hasMessageContaining("m.gguf");
            return e;
        }
    }

    /** Two Q8_0 tensors of 34 bytes: the second begins at 64. */
    private static byte[] twoTensors() {
        return GgufBytes.header(3, 2, 1)
                .key("general.architecture", TEXT)
                .text("llama")
                .tensor("a", Q8_0, 0, 32)
                .tensor("b", Q8_0, 64, 32, 1)
                .align(32)
                .zeros(64)
                .zeros(34)
                .bytes();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void everyTypeOfValueIsRead(int version) {
        byte[] bytes =
                GgufBytes.header(version, 0, 16)
                        .key("u8", 0)
                        .i8(200)
                        .key("i8", 1)
                        .i8(-3)
                        .key("u16", 2)
                        .i16(60000)
                        .key("i16", 3)
                        .i16(-30000)
                        .key("u32", 4)
                        .i32(-1)
                        .key("i32", 5)
                        .i32(-5)
                        .key("f32", 6)
                        .f32(0.5f)
                        .key("bool", 7)
                        .i8(1)
                        .key("text", 8)
                        .text("größer 🙂")
                        .key("u64", 10)
                        .i64(Long.MIN_VALUE)
                        .key("i64", 11)
                        .i64(-7)
                        .key("f64", 12)
                        .f64(1e-300)
                        .key("ids", 9)
                        .i32(5)
                        .i64(3)
                        .i32(1)
                        .i32(-2)
                        .i32(3)
                        .key("words", 9)
                        .i32(8)
                        .i64(2)
                        .text("a")
                        .text("")
                        .key("flags", 9)
                        .i32(7)
                        .i64(2)
                        .i8(0)
                        .i8(1)
                        .key("nested", 9)
                        .i32(9)
                        .i64(2)
                        .i32(0)
                        .i64(1)
                        .i8(9)
                        .i32(6)
                        .i64(1)
                        .f32(2f)
                        .bytes();
        try (var arena = Arena.ofConfined()) {
            var m = open(bytes, arena).metadata();
            assertThat(
                            List.of(
                                    m.whole("u8"),
                                    m.whole("i8"),
                                    m.whole("u16"),
                                    m.whole("i16"),
                                    m.whole("u32"),
                                    m.whole("i32"),
                                    m.whole("i64")))
                    .containsExactly(200L, -3L, 60000L, -30000L, 4294967295L, -5L, -7L);
            assertThat(m.real("f32")).isEqualTo(0.5);
            assertThat(m.real("f64")).isEqualTo(1e-300);
            assertThat(m.bool("bool")).isTrue();
            assertThat(m.text("text")).isEqualTo("größer 🙂");
            assertThat(m.value("u64")).isEqualTo(BigInteger.TWO.pow(63));
            assertThat(m.wholes("ids")).containsExactly(1, -2, 3);
            assertThat(m.reals("ids")).containsExactly(1, -2, 3);
            assertThat(m.texts("words")).containsExactly("a", "");
            assertThat((boolean[]) m.value("flags")).containsExactly(false, true);
            assertThat((List<?>) m.value("nested")).hasSize(2);
            assertThat(m.keys()).hasSize(16).startsWith("u8").endsWith("nested");
        }
    }

    @Test
    void accessorsNameFileKeyAndWhatIsThere() {
        byte[] bytes =
                GgufBytes.header(3, 0, 2)
                        .key("llama.block_count", U32)
                        .i32(30)
                        .key("general.name", TEXT)
                        .text("x")
                        .bytes();
        try (var arena = Arena.ofConfined()) {
            var m = open(bytes, arena).metadata();
            assertThat(m.size("llama.block_count")).isEqualTo(30);
            assertThat(m.sizeOr("none", 4)).isEqualTo(4);
            assertThatThrownBy(() -> m.text("llama.block_count"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(
                            "m.gguf: the metadata key \"llama.block_count\" must be text, not 30");
            assertThatThrownBy(() -> m.size("general.name"))
                    .hasMessageContaining("must be a whole number, not \"x\"");
            assertThatThrownBy(() -> m.texts("general.name"))
                    .hasMessageContaining("a list of texts");
            assertThatThrownBy(() -> m.size("llama.block_coun"))
                    .hasMessageContaining("did you mean \"llama.block_count\"?");
        }
    }

    @Test
    void tensorsComeInTorchsOrder() {
        byte[] bytes =
                GgufBytes.header(3, 2, 0)
                        .tensor("w", F32, 0, 3, 2)
                        .tensor("v", F32, 32, 1)
                        .align(32)
                        .f32(1)
                        .f32(2)
                        .f32(3)
                        .f32(4)
                        .f32(5)
                        .f32(6)
                        .align(32)
                        .f32(7)
                        .bytes();
        try (var arena = Arena.ofConfined()) {
            var file = open(bytes, arena);
            assertThat(file.names()).containsExactly("w", "v");
            assertThat(file.tensor("w").shape()).containsExactly(2, 3);
            assertThat(file.tensor("w").data().byteSize()).isEqualTo(24);
            assertThatThrownBy(() -> file.tensor("x"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("has no tensor \"x\"");
        }
    }

    @Test
    void theSecondOfTwoTensorsIsPadded() {
        try (var arena = Arena.ofConfined()) {
            assertThat(open(twoTensors(), arena).tensor("b").shape()).containsExactly(1, 32);
        }
    }

    static Stream<Arguments> wrong() {
        UnaryOperator<GgufBytes> data = m -> m.align(32).zeros(256);
        return Stream.of(
                Arguments.of("", "does not begin with", new byte[0]),
                Arguments.of("", "does not begin with", "GGML".getBytes(StandardCharsets.US_ASCII)),
                Arguments.of("only the magic", "ends within", new byte[] {'G', 'G', 'U', 'F'}),
                Arguments.of("version 1", "version 1", GgufBytes.header(1, 0, 0).bytes()),
                Arguments.of("version 4", "version 4", GgufBytes.header(4, 0, 0).bytes()),
                Arguments.of(
                        "big endian", "big-endian", GgufBytes.header(0x03000000, 0, 0).bytes()),
                Arguments.of(
                        "many tensors",
                        "tensors cannot fit",
                        GgufBytes.header(3, Long.MAX_VALUE, 0).bytes()),
                Arguments.of(
                        "minus tensors",
                        "18446744073709551615 tensors",
                        GgufBytes.header(3, -1, 0).bytes()),
                Arguments.of(
                        "many keys",
                        "metadata keys cannot fit",
                        GgufBytes.header(3, 0, 1L << 40).bytes()),
                Arguments.of(
                        "long key",
                        "cannot be",
                        GgufBytes.header(3, 0, 1).i64(1L << 62).zeros(64).bytes()),
                Arguments.of(
                        "long text",
                        "cannot be",
                        GgufBytes.header(3, 0, 1).key("k", TEXT).i64(-1).zeros(64).bytes()),
                Arguments.of(
                        "type 13",
                        "unknown type 13",
                        GgufBytes.header(3, 0, 1).key("k", 13).zeros(8).bytes()),
                Arguments.of("bool 2", "is 2", GgufBytes.header(3, 0, 1).key("k", 7).i8(2).bytes()),
                Arguments.of(
                        "twice",
                        "there twice",
                        GgufBytes.header(3, 0, 2)
                                .key("k", 0)
                                .i8(2)
                                .key("k", 0)
                                .i8(2)
                                .zeros(9)
                                .bytes()),
                Arguments.of(
                        "list",
                        "cannot fit",
                        GgufBytes.header(3, 0, 1)
                                .key("k", ARRAY)
                                .i32(U32)
                                .i64(1L << 61)
                                .zeros(9)
                                .bytes()),
                Arguments.of("deep", "nested too deep", deep()),
                Arguments.of(
                        "not UTF-8",
                        "not UTF-8",
                        GgufBytes.header(3, 0, 1).key("k", TEXT).i64(1).i8(0xFF).bytes()),
                Arguments.of(
                        "alignment",
                        "power of two",
                        GgufBytes.header(3, 0, 1).key("general.alignment", U32).i32(24).bytes()),
                Arguments.of(
                        "alignment 0",
                        "power of two",
                        GgufBytes.header(3, 0, 1).key("general.alignment", U32).i32(0).bytes()),
                Arguments.of(
                        "split",
                        "one of 2 parts",
                        GgufBytes.header(3, 0, 1).key("split.count", 2).i16(2).bytes()),
                Arguments.of(
                        "5 dimensions",
                        "5 dimensions",
                        data.apply(GgufBytes.header(3, 1, 0).tensor("a", F32, 0, 1, 1, 1, 1, 1))
                                .bytes()),
                Arguments.of(
                        "type 4",
                        "unknown type 4",
                        data.apply(GgufBytes.header(3, 1, 0).tensor("a", 4, 0, 32)).bytes()),
                Arguments.of(
                        "half a block",
                        "whole blocks",
                        data.apply(GgufBytes.header(3, 1, 0).tensor("a", Q8_0, 0, 16, 2)).bytes()),
                Arguments.of(
                        "minus",
                        "a dimension of -1",
                        data.apply(GgufBytes.header(3, 1, 0).tensor("a", F32, 0, 1, -1)).bytes()),
                Arguments.of(
                        "overflow",
                        "too many",
                        data.apply(
                                        GgufBytes.header(3, 1, 0)
                                                .tensor("a", F32, 0, 1L << 32, 1L << 32))
                                .bytes()),
                Arguments.of(
                        "overflow of bytes",
                        "too many",
                        data.apply(GgufBytes.header(3, 1, 0).tensor("a", F32, 0, 1L << 62))
                                .bytes()),
                Arguments.of(
                        "too large",
                        "would take",
                        data.apply(GgufBytes.header(3, 1, 0).tensor("a", F32, 0, 65)).bytes()),
                Arguments.of(
                        "odd offset",
                        "multiple of 32",
                        data.apply(GgufBytes.header(3, 1, 0).tensor("a", F32, 4, 1)).bytes()),
                Arguments.of(
                        "far offset",
                        "would take",
                        data.apply(GgufBytes.header(3, 1, 0).tensor("a", F32, 1L << 62, 1))
                                .bytes()),
                Arguments.of(
                        "hole",
                        "after a hole",
                        data.apply(
                                        GgufBytes.header(3, 2, 0)
                                                .tensor("a", F32, 0, 1)
                                                .tensor("b", F32, 64, 1))
                                .bytes()),
                Arguments.of(
                        "overlap",
                        "inside the one before",
                        data.apply(
                                        GgufBytes.header(3, 2, 0)
                                                .tensor("a", F32, 0, 16)
                                                .tensor("b", F32, 32, 1))
                                .bytes()),
                Arguments.of(
                        "same name",
                        "there twice",
                        data.apply(
                                        GgufBytes.header(3, 2, 0)
                                                .tensor("a", F32, 0, 1)
                                                .tensor("a", F32, 32, 1))
                                .bytes()));
    }

    private static byte[] deep() {
        var maker = GgufBytes.header(3, 0, 1).key("k", ARRAY);
        for (int i = 0; i < 1000; i++) maker.i32(ARRAY).i64(1);
        return maker.i32(0).i64(0).bytes();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("wrong")
    void whatDoesNotFitIsSaid(String what, String said, byte[] bytes) {
        assertThat(refused(bytes)).hasMessageContaining(said);
    }

    @Test
    void everyCutIsRefused() {
        byte[] whole = twoTensors();
        IntStream.range(0, whole.length).forEach(n -> refused(Arrays.copyOf(whole, n)));
    }

    @Test
    void missingFilesAndFoldersAreSaid() {
        assertThatThrownBy(() -> Gguf.open(folder.resolve("none.gguf"), Arena.global()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no such file");
        assertThatThrownBy(() -> Gguf.open(folder, Arena.global()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(folder.toString());
    }
}
