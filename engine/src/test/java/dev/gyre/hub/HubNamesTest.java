package dev.gyre.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The forms of a name, without any network. */
class HubNamesTest {
    @TempDir Path home;

    private Path resolve(String name) {
        return new Hub(Map.of("HOME", home.toString(), "HF_HUB_OFFLINE", "1"))
                .resolve(name, Progress.NONE);
    }

    @Test
    void takesAFolderAndAFile() throws IOException {
        Path gguf = Files.writeString(home.resolve("m.gguf"), "GGUF");
        assertThat(resolve(gguf.toString())).isEqualTo(gguf);
        assertThat(resolve(home.toString())).isEqualTo(gguf);
        Path folder = Files.createDirectory(home.resolve("model"));
        Files.writeString(folder.resolve("config.json"), "{}");
        assertThat(resolve(folder.toString())).isEqualTo(folder);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "foo",
                "",
                " ",
                "a/b/c",
                "../x/y",
                "./a/b",
                "-r",
                "https://hub.example.org/a/b",
                "a/b@",
                "a/..",
                "a/b@../c",
                "a\0b"
            })
    void listsTheFormsWhenANameHasNone(String name) {
        assertThatThrownBy(() -> resolve(name))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith(
                        "unknown model \"" + name + "\": no such file or folder here")
                .hasMessageContaining("org/name or org/name@revision")
                .hasMessageContaining("pip:PACKAGE");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pip:",
                "pip:-r",
                "pip:--index-url=x",
                "pip:a b",
                "pip:a==",
                "pip:a==-x",
                "pip:a>=1",
                "pip:../a",
                "pip:a;b"
            })
    void refusesAPackageThatPipWouldTakeForSomethingElse(String name) {
        assertThatThrownBy(() -> resolve(name))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "\""
                                + name
                                + "\" names no package; wanted pip:PACKAGE or"
                                + " pip:PACKAGE==VERSION");
    }

    @Test
    void tellsWhatIsWrongWithAPath() throws IOException {
        Path text = Files.writeString(home.resolve("notes.txt"), "x");
        Path empty = Files.createDirectory(home.resolve("empty"));
        Path adapter = Files.createDirectory(home.resolve("adapter"));
        Files.writeString(adapter.resolve("adapter_config.json"), "{}");
        Path two = Files.createDirectory(home.resolve("two"));
        Files.writeString(two.resolve("a.gguf"), "x");
        Files.writeString(two.resolve("b.gguf"), "x");
        assertThatThrownBy(() -> resolve(text.toString()))
                .hasMessageContaining("is a file, but not a .gguf file");
        assertThatThrownBy(() -> resolve(empty.toString())).hasMessageContaining("holds no model");
        assertThatThrownBy(() -> resolve(adapter.toString()))
                .hasMessageContaining("is an adapter, not a model");
        assertThatThrownBy(() -> resolve(two.toString()))
                .hasMessageContaining("several models: a.gguf, b.gguf");
        assertThatThrownBy(() -> resolve("no/such.gguf"))
                .hasMessageStartingWith("no/such.gguf: no such file");
    }

    @ParameterizedTest
    @CsvSource({
        "1.0,1.0.0,0",
        "1.2,1.10,-1",
        "1.0rc1,1.0,-1",
        "1.0.post1,1.0,1",
        "0.1.2,0.1.10,-1",
        "1.0a1,1.0b1,-1",
        "2,1.9.9,1"
    })
    void ordersVersions(String a, String b, int order) {
        assertThat(Integer.signum(new PackageVersion(a).compareTo(new PackageVersion(b))))
                .isEqualTo(order);
        assertThat(Integer.signum(new PackageVersion(b).compareTo(new PackageVersion(a))))
                .isEqualTo(-order);
    }
}
