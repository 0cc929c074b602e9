package dev.gyre.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Wheels that mean well, wheels that are damaged, and wheels that mean harm. */
class WheelTest {
    private static final byte[] TEXT = "some text".getBytes(StandardCharsets.UTF_8);
    @TempDir Path home;

    private Path unpack(byte[] wheel) throws IOException {
        Path file = Files.write(home.resolve("w-1.0-py3-none-any.whl"), wheel);
        Path target = home.resolve("target");
        Wheel.unpack(file, target);
        return target;
    }

    private void refuses(byte[] wheel, String why) throws IOException {
        assertThatThrownBy(() -> unpack(wheel))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(why);
        try (var all = Files.walk(home)) {
            assertThat(
                            all.filter(Files::isRegularFile)
                                    .filter(f -> !f.startsWith(home.resolve("target"))))
                    .containsExactly(home.resolve("w-1.0-py3-none-any.whl"));
        }
    }

    @Test
    void unpacksWhatTheJdkPacks() throws IOException {
        Path file = home.resolve("w-1.0-py3-none-any.whl");
        try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("a/"));
            zip.putNextEntry(new ZipEntry("a/b/c.txt"));
            zip.write(TEXT);
            zip.putNextEntry(new ZipEntry("grün.txt"));
        }
        Path target = home.resolve("target");
        Wheel.unpack(file, target);
        assertThat(target.resolve("a/b/c.txt")).hasBinaryContent(TEXT);
        assertThat(target.resolve("grün.txt")).isEmptyFile();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil",
                "a/../../evil",
                "/tmp/evil",
                "a\\..\\evil",
                "C:/evil",
                "a//b",
                "./a",
                "a/..",
                "..",
                "a\nb"
            })
    void refusesAPathThatLeadsOut(String path) throws IOException {
        refuses(new ZipMaker().file("good", TEXT).file(path, TEXT).bytes(), "leads out of it");
        assertThat(home.resolve("target/good"))
                .doesNotExist(); // all are looked at before any is written
    }

    @Test
    void refusesLinksAndDevices() throws IOException {
        byte[] aim = "/etc/passwd".getBytes(StandardCharsets.UTF_8);
        refuses(
                new ZipMaker().entry("link", aim, aim.length, 0xA1FF).bytes(),
                "\"link\" is a link or a device");
        refuses(
                new ZipMaker().entry("pipe", aim, aim.length, 0x11FF).bytes(),
                "\"pipe\" is a link or a device");
    }

    @Test
    void refusesABomb() throws IOException {
        var bomb = new ZipMaker();
        for (int i = 0; i < 2; i++) bomb.entry("zeros" + i, TEXT, 0xFFFFFFF0L, 0x81A4);
        refuses(bomb.bytes(), "it would grow from");
    }

    @Test
    void refusesAFileLargerThanItDeclares() throws IOException {
        refuses(new ZipMaker().entry("a", TEXT, 3, 0x81A4).bytes(), "w-1.0-py3-none-any.whl");
    }

    @Test
    void refusesANameGivenTwice() throws IOException {
        refuses(new ZipMaker().file("a", TEXT).file("a", TEXT).bytes(), "it names \"a\" twice");
    }

    @Test
    void refusesAFileThatIsAlsoAFolder() throws IOException {
        refuses(new ZipMaker().file("a", TEXT).file("a/b", TEXT).bytes(), "\"a/b\" lies in a file");
    }

    @Test
    void noticesAFlippedBit() throws IOException {
        byte[] wheel = new ZipMaker().file("a", TEXT).bytes();
        wheel[33] ^= 1;
        refuses(wheel, "the checksum of a is wrong");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 21, 30, 60, 90})
    void noticesACut(int bytes) throws IOException {
        byte[] wheel = new ZipMaker().file("a", TEXT).bytes();
        refuses(Arrays.copyOf(wheel, bytes), "is damaged");
    }

    @Test
    void answersEveryDamageWithOneMessage() throws IOException {
        byte[] good = new ZipMaker().file("a/b", TEXT).file("c", TEXT).bytes();
        var random = new SplittableRandom(7);
        for (int i = 0; i < 300; i++) {
            byte[] bad = good.clone();
            for (int k = 0; k < 3; k++)
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            Path file = Files.write(home.resolve("w.whl"), bad);
            try {
                Wheel.unpack(file, home.resolve("t" + i));
            } catch (UserError expected) {
                assertThat(expected.getMessage()).isNotBlank();
            }
        }
    }
}
