package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;

/** Files that are cut off, bent or made to harm: a message, and never anything else. */
class HostileGgufTest {
    private static final Path FILE = Path.of("x.gguf");
    private static final int U8 = 0;
    private static final int U32 = 4;
    private static final int BOOL = 7;
    private static final int TEXT = 8;
    private static final int ARRAY = 9;
    private static final int U64 = 10;

    @Test
    void versionsAreNamed() {
        for (int version : new int[] {0, 1, 4, 100, -1})
            refused("version", new GgufBytes().i32(0x46554747).i32(version).i64(0).i64(0));
        refused("big-endian", new GgufBytes().i32(0x46554747).i32(0x03000000).i64(0).i64(0));
        refused(
                "not a GGUF file",
                new GgufBytes().raw((byte) 'G', (byte) 'G', (byte) 'M', (byte) 'L'));
    }

    @Test
    void countsThatCannotBeTakeNoMemory() {
        for (long count :
                new long[] {
                    1, 1000, Integer.MAX_VALUE, 1L << 40, Long.MAX_VALUE, -1, Long.MIN_VALUE
                }) {
            refused("", GgufBytes.begin(count, 0));
            refused("", GgufBytes.begin(0, count));
            refused("cannot fit", GgufBytes.begin(0, 1).key("a", ARRAY).i32(U8).i64(count));
            refused("cannot fit", GgufBytes.begin(0, 1).key("a", ARRAY).i32(TEXT).i64(count));
            refused("bytes cannot be", GgufBytes.begin(0, 1).key("a", TEXT).i64(count));
            if (count != 1) refused("bytes cannot be", GgufBytes.begin(0, 1).i64(count).data(16));
        }
    }

    @Test
    void manyEmptyTextsOrListsTakeNoMemory() {
        // 8 bytes each in the file, several times that in memory
        var texts =
                GgufBytes.begin(0, 1)
                        .key("a", ARRAY)
                        .i32(TEXT)
                        .i64(5_000_000)
                        .raw(new byte[40_000_000]);
        refused("cannot fit", texts);
        var lists = GgufBytes.begin(0, 2);
        for (String key : new String[] {"a", "b"})
            lists.key(key, ARRAY).i32(U8).i64(3_000_000).raw(new byte[3_000_000]);
        refused("too long, as of \"b\"", lists);
        var nested = GgufBytes.begin(0, 1).key("a", ARRAY);
        for (int depth = 0; depth < 10_000; depth++) nested.i32(ARRAY).i64(1);
        refused("nested too deep", nested);
    }

    @Test
    void valuesAreChecked() {
        refused("unknown type 13", GgufBytes.begin(0, 1).key("a", 13).i64(0));
        refused("unknown type 13", GgufBytes.begin(0, 1).key("a", ARRAY).i32(13).i64(0));
        refused("the truth value \"a\" is 2", GgufBytes.begin(0, 1).key("a", BOOL).raw((byte) 2));
        refused(
                "\"a\" is there twice",
                GgufBytes.begin(0, 2).key("a", U32).i32(1).key("a", U32).i32(1));
        refused(
                "not UTF-8",
                GgufBytes.begin(0, 1).key("a", TEXT).i64(2).raw((byte) 0xC3, (byte) 0x28));
        refused("above 2^63-1", GgufBytes.begin(0, 1).key("a", ARRAY).i32(U64).i64(1).i64(-1));
        for (int alignment : new int[] {0, 3, 48, -1, 1 << 31})
            refused(
                    "not a power of two",
                    GgufBytes.begin(0, 1).key("general.alignment", U32).i32(alignment));
        refused(
                "must be a whole number",
                GgufBytes.begin(0, 1).key("general.alignment", TEXT).text("32"));
        refused("one of 3 parts", GgufBytes.begin(0, 1).key("split.count", U32).i32(3));
    }

    @Test
    void tensorsAreChecked() {
        accepted(GgufBytes.begin(1, 0).tensor("a", 0, 0, 8).data(32));
        accepted(
                GgufBytes.begin(2, 0)
                        .tensor("a", 8, 0, 32)
                        .tensor("b", 8, 64, 32)
                        .data(98)); // 34 bytes, padded to 64
        refused(
                "is there twice",
                GgufBytes.begin(2, 0).tensor("a", 0, 0, 8).tensor("a", 0, 32, 8).data(64));
        refused("unknown type 4", GgufBytes.begin(1, 0).tensor("a", 4, 0, 8).data(32));
        refused("unknown type 4294967295", GgufBytes.begin(1, 0).tensor("a", -1, 0, 8).data(32));
        refused(
                "has 5 dimensions",
                GgufBytes.begin(1, 0).tensor("a", 0, 0, 1, 1, 1, 1, 8).data(32));
        refused("a dimension of -8", GgufBytes.begin(1, 0).tensor("a", 0, 0, -8).data(32));
        refused("too many elements", GgufBytes.begin(1, 0).tensor("a", 0, 0, 1L << 62, 4).data(32));
        refused("too many", GgufBytes.begin(1, 0).tensor("a", 0, 0, 1L << 62).data(32));
        refused(
                "would take 4294967296 bytes",
                GgufBytes.begin(1, 0).tensor("a", 0, 0, 1L << 30).data(32));
        refused("not whole blocks of 32", GgufBytes.begin(1, 0).tensor("a", 8, 0, 16, 2).data(34));
        refused("not a multiple of 32", GgufBytes.begin(1, 0).tensor("a", 0, 8, 8).data(64));
        refused("not a multiple of 32", GgufBytes.begin(1, 0).tensor("a", 0, -32, 8).data(64));
        refused("would take 32 bytes at 64", GgufBytes.begin(1, 0).tensor("a", 0, 64, 8).data(64));
        refused(
                "would take",
                GgufBytes.begin(1, 0).tensor("a", 0, Long.MAX_VALUE - 31, 8).data(64));
        refused("after a hole", GgufBytes.begin(1, 0).tensor("a", 0, 32, 8).data(64));
        refused(
                "inside the one before",
                GgufBytes.begin(2, 0).tensor("a", 0, 0, 16).tensor("b", 0, 32, 8).data(64));
        refused(
                "a tensor's name of 2000 bytes",
                GgufBytes.begin(1, 0).tensor("n".repeat(2000), 0, 0, 8).data(32));
        refused("ends before its tensors", GgufBytes.begin(1, 0).tensor("a", 0, 0, 8));
    }

    @Test
    void emptyFilesAreFiles() {
        accepted(GgufBytes.begin(0, 0));
        accepted(GgufBytes.begin(1, 0).tensor("nothing", 0, 0, 0));
        accepted(GgufBytes.begin(1, 0).tensor("number", 0, 0).data(4));
    }

    @Test
    void whatIsCutOffAnywhereIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(GgufTest.PYTHON);
        int end = 1312 + 8; // the last tensor's last byte; padding follows
        for (int length = 0; length < end; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> read(cut))
                    .as("%s bytes", length)
                    .isInstanceOf(UserError.class);
        }
    }

    @Test
    void bentHeadersNeverBreakAnything() throws IOException {
        byte[] whole = Files.readAllBytes(GgufTest.PYTHON);
        var random = new Random(20261125);
        int refused = 0;
        for (int round = 0; round < 5000; round++) {
            byte[] bent = Bent.some(whole, 896, random);
            try {
                use(read(bent));
            } catch (UserError e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(2500, 4999); // a bent value is still a value
    }

    /** Everything a reader might ask for. */
    private static void use(Gguf file) {
        for (String name : file.names())
            assertThat(SafetensorsTest.bytes(file.tensor(name))).isNotNull();
        var m = file.metadata();
        for (String key : m.keys()) {
            assertThat(m.value(key)).isNotNull();
            mayBeWrong(key, m::text);
            mayBeWrong(key, m::whole);
            mayBeWrong(key, m::size);
            mayBeWrong(key, m::real);
            mayBeWrong(key, m::bool);
            mayBeWrong(key, m::texts);
            mayBeWrong(key, m::wholes);
            mayBeWrong(key, m::reals);
        }
    }

    private static void mayBeWrong(String key, Consumer<String> accessor) {
        try {
            accessor.accept(key);
        } catch (UserError e) {
            assertThat(e).hasMessageContaining(key);
        }
    }

    private static void accepted(GgufBytes file) {
        assertThatCode(() -> use(read(file.bytes()))).doesNotThrowAnyException();
    }

    private static void refused(String message, GgufBytes file) {
        byte[] bytes = file.bytes();
        assertThatThrownBy(() -> read(bytes))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("x.gguf")
                .hasMessageContaining(message);
    }

    private static Gguf read(byte[] bytes) {
        return Gguf.read(FILE, MemorySegment.ofArray(bytes));
    }
}
