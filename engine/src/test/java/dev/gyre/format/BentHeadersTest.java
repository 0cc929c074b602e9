package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** Headers bent at random: a reader may read them or say a {@link UserError}, and nothing else. */
class BentHeadersTest {
    private static final int ROUNDS = 2000;
    private static final long SEED = 20261125;

    /** Numbers that break sums and comparisons. */
    private static final long[] NASTY = {
        0,
        1,
        -1,
        7,
        255,
        1L << 31,
        (1L << 31) - 1,
        1L << 32,
        1L << 62,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    @TempDir Path folder;

    private interface Reader {
        TensorFile open(Path file, Arena arena);
    }

    @Test
    void gguf() throws IOException {
        byte[] good =
                GgufBytes.header(3, 2, 5)
                        .key("general.architecture", 8)
                        .text("llama")
                        .key("general.alignment", 4)
                        .i32(32)
                        .key("tokenizer.ggml.tokens", 9)
                        .i32(8)
                        .i64(3)
                        .text("a")
                        .text("bc")
                        .text("é")
                        .key("tokenizer.ggml.token_type", 9)
                        .i32(5)
                        .i64(2)
                        .i32(1)
                        .i32(3)
                        .key("nested", 9)
                        .i32(9)
                        .i64(1)
                        .i32(0)
                        .i64(2)
                        .i8(1)
                        .i8(2)
                        .tensor("token_embd.weight", 8, 0, 32, 2)
                        .tensor("output_norm.weight", 0, 96, 3)
                        .align(32)
                        .zeros(128)
                        .bytes();
        bend(good, good.length - 96, Gguf::open);
    }

    @Test
    void safetensors() throws IOException {
        byte[] json =
                """
                {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
                "b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},"c":{"dtype":"I64","shape":[0,5],"data_offsets":[26,26]}}\
                """
                        .getBytes(StandardCharsets.UTF_8);
        byte[] good =
                ByteBuffer.allocate(8 + json.length + 26)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(json.length)
                        .put(json)
                        .array();
        bend(good, 8 + json.length, Safetensors::open);
    }

    private void bend(byte[] good, int headerBytes, Reader reader) throws IOException {
        var random = new Random(SEED);
        int read = touch(good, reader, "the good file");
        assertThat(read).isEqualTo(1);
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] bytes = good.clone();
            for (int i = random.nextInt(3); i >= 0; i--) bytes = bent(bytes, headerBytes, random);
            refused += 1 - touch(bytes, reader, "seed " + SEED + ", round " + round);
        }
        assertThat(refused).as("most bent files are refused").isGreaterThan(ROUNDS / 3);
    }

    private static byte[] bent(byte[] bytes, int headerBytes, Random random) {
        if (bytes.length < 9) return bytes;
        int at = random.nextInt(Math.min(headerBytes, bytes.length - 8));
        switch (random.nextInt(6)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) random.nextInt(256);
            case 2 ->
                    ByteBuffer.wrap(bytes)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(at, NASTY[random.nextInt(NASTY.length)]);
            case 3 -> bytes[at] = (byte) "0123456789-{}[]\",:eE.\\".charAt(random.nextInt(22));
            case 4 -> {
                return Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            default -> {
                int n = random.nextInt(16);
                byte[] grown = new byte[bytes.length + n];
                System.arraycopy(bytes, 0, grown, 0, at);
                for (int i = 0; i < n; i++) grown[at + i] = bytes[random.nextInt(bytes.length)];
                System.arraycopy(bytes, at, grown, at + n, bytes.length - at);
                return grown;
            }
        }
        return bytes;
    }

    /** Opens a file and reads every tensor; 1 if it could be read, 0 if it was refused. */
    private int touch(byte[] bytes, Reader reader, String what) throws IOException {
        Path file = Files.write(folder.resolve("bent"), bytes);
        try (var arena = Arena.ofConfined()) {
            var opened = reader.open(file, arena);
            for (String name : opened.names()) {
                var tensor = opened.tensor(name);
                assertThat(tensor.data().byteSize())
                        .isEqualTo(tensor.type().bytes(tensor.elements()));
                assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE))
                        .hasSize((int) tensor.data().byteSize());
            }
            return 1;
        } catch (UserError e) {
            assertThat(e.getMessage()).as(what).contains("bent");
            return 0;
        } catch (RuntimeException | Error e) {
            throw new AssertionError(what + " gave " + e, e);
        }
    }
}
