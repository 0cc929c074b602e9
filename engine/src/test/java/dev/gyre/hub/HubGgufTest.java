package dev.gyre.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Repositories of the hub that hold GGUF files in the place of Hugging Face's layout. */
class HubGgufTest {
    @TempDir Path home;
    private final FakeHub fake = new FakeHub();
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void aRepositoryOfOneFile() {
        environment.put("HOME", home.toString());
        environment.put("HF_ENDPOINT", fake.address());
        fake.files.remove("model.safetensors");
        fake.text("tiny-q8_0.gguf", "GGUF eight");
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    private Path resolve(String name) {
        return new Hub(environment).resolve(name, Progress.NONE);
    }

    @Test
    void theOnlyFileNeedsNoName() {
        fake.text("mmproj-tiny.gguf", "eyes");
        fake.text("huge-00001-of-00002.gguf", "a part");
        Path file = resolve("acme/tiny");
        assertThat(file).hasFileName("tiny-q8_0.gguf").hasContent("GGUF eight");
        assertThat(fake.requests).noneMatch(r -> r.contains("config.json"));
        fake.requests.clear();
        assertThat(resolve("acme/tiny:tiny-q8_0.gguf")).isEqualTo(file);
        assertThat(fake.requests).isEmpty();
    }

    @Test
    void oneOfSeveralIsNamed() {
        fake.text("small/tiny-q4_k.gguf", "GGUF four");
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "acme/tiny holds several models; choose one:\n"
                                + "  acme/tiny:small/tiny-q4_k.gguf\n"
                                + "  acme/tiny:tiny-q8_0.gguf");
        assertThat(fake.requests).hasSize(1);
        assertThat(resolve("acme/tiny:small/tiny-q4_k.gguf")).hasContent("GGUF four");
        assertThat(resolve("acme/tiny@main:small/tiny-q4_k.gguf")).hasContent("GGUF four");
        // The one in the cache is not the only one there is.
        assertThatThrownBy(() -> resolve("acme/tiny")).hasMessageContaining("choose one");
        assertThatThrownBy(() -> resolve("acme/tiny:tiny-q8.gguf"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("did you mean acme/tiny:tiny-q8_0.gguf?");
    }

    @Test
    void aFileMayBeTakenFromARepositoryInHuggingFacesLayout() {
        fake.files.put("model.safetensors", new byte[100]);
        assertThat(resolve("acme/tiny:tiny-q8_0.gguf")).hasContent("GGUF eight");
        assertThat(resolve("acme/tiny")).isDirectory();
    }

    @Test
    void withoutNetworkTheOneInTheCacheIsTaken() {
        Path file = resolve("acme/tiny");
        fake.close();
        assertThat(resolve("acme/tiny")).isEqualTo(file);
        environment.put("HF_HUB_OFFLINE", "1");
        assertThat(resolve("acme/tiny")).isEqualTo(file);
        assertThatThrownBy(() -> resolve("acme/tiny:other.gguf"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("HF_HUB_OFFLINE");
    }
}
