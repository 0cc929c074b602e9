package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

class GgufWriterTest {
    private static final Path EVERY = Path.of("src/test/resources/golden/formats/every.gguf");

    private static void copy(Path from, Path to) {
        try (var arena = Arena.ofConfined()) {
            var file = Gguf.open(from, arena);
            Gguf.write(
                    to,
                    GgufKeys.copyOf(file.metadata()),
                    file.tensors().values().stream().map(TensorSource::of).toList());
        }
    }

    @Test
    void aCopyOfTheLibrarysFileIsTheSameBytes(@TempDir Path folder) throws IOException {
        Path copy = folder.resolve("copy.gguf");
        copy(EVERY, copy);
        assertThat(Files.mismatch(EVERY, copy)).isEqualTo(-1);
    }

    private static TensorSource tensor(String name, ElementType type, long... shape) {
        byte[] data = new byte[(int) type.bytes(StoredTensor.elements(shape))];
        for (int i = 0; i < data.length; i++) data[i] = (byte) (7 * i + type.name().length());
        return new TensorSource(name, type, shape, () -> MemorySegment.ofArray(data));
    }

    @Test
    void everyTypeOfTensorComesBackAndACopyIsTheSameBytes(@TempDir Path folder) throws IOException {
        var tensors = new ArrayList<TensorSource>();
        for (var type : ElementType.values())
            if (type.inGguf()) tensors.add(tensor("t." + type, type, 3, 2L * type.blockElements()));
        tensors.add(tensor("four", ElementType.F32, 2, 3, 1, 5));
        Path first = folder.resolve("first.gguf");
        Gguf.write(first, new GgufKeys().text("general.architecture", "llama"), tensors);
        try (var arena = Arena.ofConfined()) {
            var back = Gguf.open(first, arena);
            assertThat(back.names())
                    .containsExactlyElementsOf(tensors.stream().map(TensorSource::name).toList());
            for (var t : tensors) {
                assertThat(back.tensor(t.name()).type()).isEqualTo(t.type());
                assertThat(back.tensor(t.name()).shape()).isEqualTo(t.shape());
                assertThat(back.tensor(t.name()).data().mismatch(t.data().get())).isEqualTo(-1);
            }
        }
        Path second = folder.resolve("second.gguf");
        copy(first, second);
        assertThat(Files.mismatch(first, second)).isEqualTo(-1);
    }

    @Test
    void everyTypeOfValueComesBack(@TempDir Path folder) {
        var keys =
                new GgufKeys()
                        .text("text", "Grüße 漢")
                        .set("u8", GgufType.U8, 255)
                        .set("i8", GgufType.I8, -128)
                        .set("u16", GgufType.U16, 65535)
                        .set("i16", GgufType.I16, -32768)
                        .size("u32", 4294967295L)
                        .set("i32", GgufType.I32, -2147483648)
                        .set("f32", GgufType.F32, 0.1)
                        .set("bool", GgufType.BOOL, true)
                        .set("u64", GgufType.U64, new BigInteger("18446744073709551615"))
                        .set("i64", GgufType.I64, Long.MIN_VALUE)
                        .set("f64", GgufType.F64, 0.1)
                        .list("texts", GgufType.TEXT, List.of("a", ""))
                        .list("wholes", GgufType.I32, List.of(1, -2))
                        .list("reals", GgufType.F32, List.of(0.5f))
                        .list("flags", GgufType.BOOL, List.of(true, false))
                        .list("nested", GgufType.I32, List.of(List.of(1, 2), List.of(3)))
                        .list("none", GgufType.TEXT, List.of());
        Path file = folder.resolve("keys.gguf");
        Gguf.write(file, keys, List.of());
        try (var arena = Arena.ofConfined()) {
            var m = Gguf.open(file, arena).metadata();
            assertThat(m.text("text")).isEqualTo("Grüße 漢");
            assertThat(m.whole("u8")).isEqualTo(255);
            assertThat(m.whole("i8")).isEqualTo(-128);
            assertThat(m.whole("u16")).isEqualTo(65535);
            assertThat(m.whole("i16")).isEqualTo(-32768);
            assertThat(m.whole("u32")).isEqualTo(4294967295L);
            assertThat(m.whole("i32")).isEqualTo(-2147483648);
            assertThat(m.real("f32")).isEqualTo(0.1f);
            assertThat(m.bool("bool")).isTrue();
            assertThat(m.value("u64")).isEqualTo(new BigInteger("18446744073709551615"));
            assertThat(m.whole("i64")).isEqualTo(Long.MIN_VALUE);
            assertThat(m.real("f64")).isEqualTo(0.1);
            assertThat(m.texts("texts")).containsExactly("a", "");
            assertThat(m.wholes("wholes")).containsExactly(1, -2);
            assertThat(m.reals("reals")).containsExactly(0.5);
            assertThat((boolean[]) m.value("flags")).containsExactly(true, false);
            assertThat((List<?>) m.value("nested"))
                    .extracting(l -> Arrays.toString((long[]) l))
                    .containsExactly("[1, 2]", "[3]");
            assertThat(m.texts("none")).isEmpty();
        }
    }

    @Test
    void tensorsArePaddedToTheAlignment(@TempDir Path folder) {
        Path file = folder.resolve("two.gguf");
        var two = List.of(tensor("a", ElementType.Q8_0, 32), tensor("b", ElementType.Q8_0, 32));
        for (long alignment : new long[] {32, 64, 8}) {
            Gguf.write(file, new GgufKeys().size("general.alignment", alignment), two);
            try (var arena = Arena.ofConfined()) {
                var back = Gguf.open(file, arena);
                assertThat(back.tensor("b").data().address() - back.tensor("a").data().address())
                        .isEqualTo(alignment == 8 ? 40 : 64);
            }
        }
    }

    @Test
    void aKeySetAgainKeepsItsPlace(@TempDir Path folder) {
        var keys = new GgufKeys().size("a", 1).size("b", 2).size("a", 3).size("c", 4).remove("c");
        Path file = folder.resolve("keys.gguf");
        Gguf.write(file, keys, List.of());
        try (var arena = Arena.ofConfined()) {
            var m = Gguf.open(file, arena).metadata();
            assertThat(m.keys()).containsExactly("a", "b");
            assertThat(m.whole("a")).isEqualTo(3);
        }
    }

    @Test
    void valuesOutsideTheirTypeAreRefused() {
        var keys = new GgufKeys();
        assertThatThrownBy(() -> keys.set("k", GgufType.U8, 256))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> keys.set("k", GgufType.U32, -1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> keys.set("k", GgufType.I32, 2147483648L))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> keys.text("", "empty"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> keys.set("general.alignment", GgufType.U64, 32))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void tensorsThatGgufCannotHoldAreRefusedAndNothingIsLeft(@TempDir Path folder)
            throws IOException {
        Path file = folder.resolve("x.gguf");
        for (var wrong :
                List.of(
                        tensor("x".repeat(64), ElementType.F32, 1),
                        tensor("u", ElementType.U8, 1),
                        tensor("five", ElementType.F32, 1, 1, 1, 1, 1),
                        tensor("none", ElementType.F32),
                        tensor("rows", ElementType.Q8_0, 32, 16)))
            assertThatThrownBy(() -> Gguf.write(file, new GgufKeys(), List.of(wrong)))
                    .isInstanceOf(UserError.class);
        var twice = tensor("twice", ElementType.F32, 1);
        assertThatThrownBy(() -> Gguf.write(file, new GgufKeys(), List.of(twice, twice)))
                .isInstanceOf(IllegalArgumentException.class);
        var late =
                new TensorSource(
                        "late",
                        ElementType.F32,
                        new long[] {1},
                        () -> {
                            throw new UserError("no");
                        });
        assertThatThrownBy(() -> Gguf.write(file, new GgufKeys(), List.of(late)))
                .isInstanceOf(UserError.class);
        try (var files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }
}
