package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** Files that are cut off, bent or made to harm: a message, and never anything else. */
class HostileSafetensorsTest {
    private static final Path FILE = Path.of("x.safetensors");

    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[]                                                                        | does"
                        + " not begin with \"{\"",
                "77                                                                        | does"
                        + " not begin with \"{\"",
                "{{                                                                        | not"
                        + " JSON",
                "{} {}                                                                     | text"
                        + " after the value",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'a':{}}             | not"
                        + " JSON",
                "{'a':7}                                                                   | must"
                        + " be a map",
                "{'a':{'shape':[2],'data_offsets':[0,8]}}                                  |"
                        + " \"dtype\" is missing",
                "{'a':{'dtype':'F32','data_offsets':[0,8]}}                                |"
                        + " \"shape\" is missing",
                "{'a':{'dtype':'F32','shape':[2]}}                                         |"
                        + " \"data_offsets\" is missing",
                "{'a':{'dtype':'Q4','shape':[2],'data_offsets':[0,8]}}                     |"
                        + " unknown type Q4",
                "{'a':{'dtype':4,'shape':[2],'data_offsets':[0,8]}}                        | must"
                        + " be text",
                "{'a':{'dtype':'F32','shape':2,'data_offsets':[0,8]}}                      | must"
                        + " be a list",
                "{'a':{'dtype':'F32','shape':['2'],'data_offsets':[0,8]}}                  | must"
                        + " be a whole number",
                "{'a':{'dtype':'F32','shape':[2.5],'data_offsets':[0,8]}}                  | must"
                        + " be a whole number",
                "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}                   | a"
                        + " dimension of -2",
                "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}                    | has 8"
                        + " bytes, its shape needs 12",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8,9]}}                  | must"
                        + " be two numbers",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}                    | would"
                        + " lie at 8 to 0",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[-8,0]}}                   | would"
                        + " lie at -8 to 0",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,16]}}                   | would"
                        + " lie at 0 to 16 of 8",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,9e99]}}                 | must"
                        + " be a whole number",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,99999999999999999999]}} | must"
                        + " be a whole number",
                "{'a':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,0]}}| too"
                        + " many elements",
                "{'a':{'dtype':'F32','shape':[4611686018427387904],'data_offsets':[0,0]}}  | too"
                        + " many",
                "{'a':{'dtype':'F4','shape':[3],'data_offsets':[0,2]}}                     | not"
                        + " whole blocks of 2",
                "{'a':{'dtype':'U8','shape':[7],'data_offsets':[0,7]}}                     | end at"
                        + " 7 of 8",
                "{'a':{'dtype':'U8','shape':[7],'data_offsets':[1,8]}}                     | begins"
                        + " at 1, after a hole",
                "{'a':{'dtype':'U8','shape':[5],'data_offsets':[0,5]},'b':{'dtype':'U8','shape':[4],'data_offsets':[4,8]}}"
                    + " | inside the one before",
                "{'__metadata__':{'format':7},'a':{'dtype':'U8','shape':[8],'data_offsets':[0,8]}}"
                        + " | must be text",
                "{}                                                                        | end at"
                        + " 0 of 8",
            })
    void aWrongHeaderIsNamed(String header, String message) {
        assertThatThrownBy(() -> read(file(header.strip().replace('\'', '"'), 8)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("x.safetensors")
                .hasMessageContaining(message.strip());
    }

    @ParameterizedTest
    @ValueSource(
            longs = {0, 1, 9, 100_000_001, Integer.MAX_VALUE, Long.MAX_VALUE, -1, Long.MIN_VALUE})
    void aWrongHeaderLengthIsNamed(long length) {
        byte[] bytes =
                ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
        assertThatThrownBy(() -> read(bytes))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("its header would take");
    }

    @Test
    void whatIsCutOffAnywhereIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(SafetensorsTest.PYTHON);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> read(cut))
                    .as("%s bytes", length)
                    .isInstanceOf(UserError.class);
        }
        assertThatThrownBy(() -> read(Arrays.copyOf(whole, whole.length + 1)))
                .isInstanceOf(UserError.class);
    }

    @Test
    void bentHeadersNeverBreakAnything() throws IOException {
        byte[] whole = Files.readAllBytes(SafetensorsTest.PYTHON);
        var random = new Random(20261125);
        int refused = 0;
        for (int round = 0; round < 5000; round++) {
            byte[] bent = Bent.some(whole, 1176, random);
            try {
                for (var tensor : read(bent).tensors().values())
                    assertThat(SafetensorsTest.bytes(tensor)).isNotNull();
            } catch (UserError e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(3000, 4999); // a bent name is still a name
    }

    @Test
    void longNamesAndListsDoNotFillTheMemory() {
        // as values with a path each it would be 20 GB
        String header =
                "{\""
                        + "n".repeat(40_000)
                        + "\":{\"dtype\":\"U8\",\"shape\":[1"
                        + ",1".repeat(500_000)
                        + "]}}";
        assertThatThrownBy(() -> read(file(header, 8)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds too many values")
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(500));
        assertThatThrownBy(() -> read(file("{\"a\":" + "[".repeat(100_000), 8)))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> read(file("{\"a\":" + "1".repeat(100_000), 8)))
                .isInstanceOf(UserError.class);
    }

    @Test
    void aHeaderThatIsNotTextIsRefused() {
        byte[] bytes = file("{\"a\"}", 8);
        bytes[10] = (byte) 0xFF;
        assertThatThrownBy(() -> read(bytes))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not UTF-8");
    }

    @Test
    void whatIsNoFileIsRefused() throws IOException {
        assertThatThrownBy(() -> open("nothing.safetensors"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no such file");
        assertThatThrownBy(() -> open(""))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is a folder");
        Files.write(folder.resolve("empty.safetensors"), new byte[0]);
        assertThatThrownBy(() -> open("empty.safetensors"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("only 0 bytes");
        Files.createSymbolicLink(folder.resolve("null.safetensors"), Path.of("/dev/null"));
        assertThatThrownBy(() -> open("null.safetensors"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not a plain file");
        // however it is named
        Files.write(folder.resolve("torch.safetensors"), new byte[] {'P', 'K', 3, 4, 0, 0, 0, 0});
        assertThatThrownBy(() -> open("torch.safetensors"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pickle");
        Files.write(
                folder.resolve("old.safetensors"),
                new byte[] {(byte) 0x80, 4, 'c', 'o', 's', '\n', 's', 'y'});
        assertThatThrownBy(() -> open("old.safetensors"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pickle");
        Files.copy(SafetensorsTest.PYTHON, folder.resolve("model.bin"));
        assertThatThrownBy(() -> open("model.bin"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pickle");
    }

    private void open(String name) {
        Safetensors.open(folder.resolve(name), Arena.ofAuto());
    }

    private static SafetensorsHeader read(byte[] bytes) {
        return SafetensorsHeader.read(FILE, MemorySegment.ofArray(bytes));
    }

    private static byte[] file(String header, int dataBytes) {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + text.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.length)
                .put(text)
                .array();
    }
}
