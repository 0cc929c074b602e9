package dev.gyre.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

class HubTest {
    @TempDir Path home;

    final FakeHub fake = new FakeHub();
    final Map<String, String> environment = new HashMap<>();
    byte[] weights = new byte[300_000];

    @BeforeEach
    void fill() {
        new Random(3).nextBytes(weights);
        fake.files.put("config.json", "{}".getBytes(UTF_8));
        fake.files.put("tokenizer.json", "{\"a\":1}".getBytes(UTF_8));
        fake.files.put("chat_template.jinja", "x".getBytes(UTF_8));
        fake.files.put("README.md", "no use".getBytes(UTF_8));
        fake.files.put("pytorch_model.bin", "pickle".getBytes(UTF_8));
        fake.files.put("consolidated.safetensors", "a second copy".getBytes(UTF_8));
        fake.files.put("model.safetensors", weights);
        environment.put("HF_HOME", home.resolve("hf").toString());
        environment.put("XDG_CACHE_HOME", home.resolve("cache").toString());
        environment.put("HF_ENDPOINT", fake.endpoint() + "/");
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    private Hub hub() {
        return new Hub(HubSettings.of(environment));
    }

    private Place get(String name) {
        return hub().resolve(name, Progress.silent());
    }

    private Path cache() {
        return home.resolve("hf/hub/models--org--pico");
    }

    @Test
    void fetchesWhatIsOfUseIntoHuggingFacesLayout() throws IOException {
        var place = get("org/pico");
        Path snapshot = cache().resolve("snapshots").resolve(FakeHub.COMMIT);
        assertThat(place)
                .isEqualTo(new Place("org/pico", snapshot, "downloaded from " + fake.endpoint()));
        try (var files = Files.list(snapshot)) {
            assertThat(files.map(f -> f.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "config.json",
                            "tokenizer.json",
                            "chat_template.jinja",
                            "model.safetensors");
        }
        assertThat(snapshot.resolve("model.safetensors"))
                .isSymbolicLink()
                .hasBinaryContent(weights);
        assertThat(Files.readSymbolicLink(snapshot.resolve("model.safetensors")))
                .isEqualTo(Path.of("../../blobs/" + FakeHub.sha256(weights)));
        assertThat(cache().resolve("blobs").resolve(FakeHub.gitSha1("{}".getBytes(UTF_8))))
                .hasContent("{}");
        assertThat(cache().resolve("refs/main")).hasContent(FakeHub.COMMIT);
    }

    @Test
    void whatIsInTheCacheAsksNobody() {
        get("org/pico");
        fake.requests.clear();
        assertThat(get("org/pico").how()).isEqualTo("from the cache");
        assertThat(get("org/pico@main").path()).isEqualTo(get("org/pico@" + FakeHub.COMMIT).path());
        environment.put("HF_HUB_OFFLINE", "1");
        assertThat(get("org/pico").how()).isEqualTo("from the cache");
        assertThat(fake.requests).isEmpty();
    }

    @Test
    void goesOnWhereItBrokeOff() {
        fake.bytesPerAnswer = 100_000;
        assertThat(get("org/pico").path().resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(fake.requests).anyMatch(r -> r.endsWith("model.safetensors bytes=100000-"));
        assertThat(fake.requests).anyMatch(r -> r.endsWith("model.safetensors bytes=200000-"));
    }

    @Test
    void goesOnInTheNextRun() throws IOException {
        fake.bytesPerAnswer = 1000;
        assertThatThrownBy(() -> get("org/pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("the download of model.safetensors broke off")
                .hasMessageContaining("Run the command again");
        assertThat(hub().cached("org/pico")).isEmpty();
        assertThat(
                        Files.size(
                                cache().resolve("blobs")
                                        .resolve(FakeHub.sha256(weights) + ".incomplete")))
                .isEqualTo(4000);
        fake.bytesPerAnswer = Integer.MAX_VALUE;
        assertThat(get("org/pico").path().resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(fake.requests).anyMatch(r -> r.endsWith("model.safetensors bytes=4000-"));
    }

    @Test
    void aWrongChecksumIsThrownAway() throws IOException {
        fake.damages = true;
        assertThatThrownBy(() -> get("org/pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("config.json arrived damaged")
                .hasMessageContaining(FakeHub.gitSha1("{}".getBytes(UTF_8)));
        try (var blobs = Files.list(cache().resolve("blobs"))) {
            assertThat(blobs).isEmpty();
        }
    }

    @Test
    void followsRedirectsAndKeepsTheTokenFromOtherHosts() {
        fake.redirectsFiles = true;
        fake.saysChecksums = false; // then the first answer's X-Linked-Etag counts
        environment.put("HF_TOKEN", "hf_secret");
        assertThat(get("org/pico").path().resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(fake.requests)
                .filteredOn(r -> r.startsWith("/api"))
                .allMatch(r -> r.endsWith("Bearer hf_secret"));
        assertThat(fake.requests)
                .filteredOn(r -> r.startsWith("/cdn/"))
                .hasSize(4)
                .noneMatch(r -> r.contains("secret"));
        assertThat(HubSettings.of(environment).toString()).doesNotContain("secret");
    }

    @Test
    void fetchesShardsWithTheirIndexAndNoticesOneThatIsGone() throws IOException {
        fake.files.remove("model.safetensors");
        fake.files.put("model-00001-of-00002.safetensors", "one".getBytes(UTF_8));
        fake.files.put("model-00002-of-00002.safetensors", "two".getBytes(UTF_8));
        fake.files.put(
                "model.safetensors.index.json",
                """
                {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}\
                """
                        .getBytes(UTF_8));
        Path snapshot = get("org/pico").path();
        assertThat(snapshot.resolve("model-00002-of-00002.safetensors")).hasContent("two");
        Files.delete(snapshot.resolve("model-00002-of-00002.safetensors"));
        assertThat(hub().cached("org/pico")).isEmpty();
        assertThat(get("org/pico").how()).startsWith("downloaded");
    }

    @Test
    void theOnlyGgufFileIsTheModel() {
        fake.files.clear();
        fake.files.put("pico-q4.gguf", weights);
        assertThat(get("org/pico").path()).hasFileName("pico-q4.gguf").hasBinaryContent(weights);
        assertThat(hub().cached("org/pico")).isPresent();
        fake.files.put("pico-q8.gguf", weights);
        environment.put("HF_HOME", home.resolve("other").toString());
        assertThatThrownBy(() -> get("org/pico"))
                .hasMessageContaining("org/pico holds several models: pico-q4.gguf, pico-q8.gguf")
                .hasMessageContaining("org/pico/pico-q4.gguf");
        assertThat(get("org/pico/pico-q8.gguf").path()).hasFileName("pico-q8.gguf");
        assertThatThrownBy(() -> get("org/pico/none.gguf"))
                .hasMessageContaining("has no file none.gguf");
    }

    @Test
    void picklesAreRefused() {
        fake.files.remove("model.safetensors");
        fake.files.remove("consolidated.safetensors");
        assertThatThrownBy(() -> get("org/pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pickles");
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404, 500})
    void refusalsSayWhatToDo(int status) {
        fake.listingStatus = status;
        assertThatThrownBy(() -> get("org/pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("org/pico")
                .hasMessageContaining("HTTP " + status)
                .hasMessageContaining(status == 500 ? "Try again" : "HF_TOKEN");
    }

    @Test
    void offlineSaysSo() {
        environment.put("HF_HUB_OFFLINE", "TRUE");
        assertThatThrownBy(() -> get("org/pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not in the cache")
                .hasMessageContaining("HF_HUB_OFFLINE");
        assertThatThrownBy(() -> get("pip:pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("HF_HUB_OFFLINE");
        assertThat(fake.requests).isEmpty();
        assertThat(home.resolve("hf")).doesNotExist();
    }

    @Test
    void nobodyListensIsAMessage() {
        fake.close();
        assertThatThrownBy(() -> get("org/pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no connection to " + fake.endpoint())
                .hasMessageContaining("HF_ENDPOINT");
    }

    @Test
    void aSilentHostIsGivenUp() throws IOException {
        try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            environment.put("HF_ENDPOINT", "http://127.0.0.1:" + silent.getLocalPort());
            var hub = new Hub(HubSettings.of(environment).withPatience(Duration.ofMillis(400)));
            long start = System.nanoTime();
            assertThatThrownBy(() -> hub.resolve("org/pico", Progress.silent()))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("no answer in time");
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isLessThan(Duration.ofSeconds(3));
        }
    }

    @Test
    void anAnswerThatIsNoListingIsAnError() {
        fake.files.clear();
        assertThatThrownBy(() -> get("org/pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds no model");
    }

    @Test
    void namesFromTheHubCannotLeaveTheCache() {
        fake.files.put("../../../evil.safetensors", weights);
        fake.files.put("/etc/tokenizer.json", weights);
        get("org/pico");
        assertThat(home.resolve("evil.safetensors")).doesNotExist();
        assertThat(fake.requests).noneMatch(r -> r.contains("evil") || r.contains("etc"));
    }

    @Test
    void foldersAndFilesStayWhereTheyAre() throws IOException {
        Path folder = Files.createDirectory(home.resolve("model"));
        assertThatThrownBy(() -> get(folder.toString()))
                .hasMessageContaining("holds no model")
                .hasMessageContaining("nothing");
        Path gguf = Files.writeString(folder.resolve("m.gguf"), "x");
        assertThat(get(folder.toString()).path()).isEqualTo(gguf);
        assertThat(get(gguf.toString()))
                .isEqualTo(new Place(gguf.toString(), gguf, "on this machine"));
        Files.writeString(folder.resolve("config.json"), "{}");
        assertThat(get(folder.toString()).path()).isEqualTo(folder);
        assertThatThrownBy(() -> get(folder.resolve("config.json").toString()))
                .hasMessageContaining("name a .gguf file");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "/no/such/model.gguf",
                "a/b/c",
                "../x",
                "org/..",
                "org/na me",
                "pip:",
                "pip:-r",
                "pip:a==",
                "pip:a b"
            })
    void namesThatAreNoneAreExplained(String name) {
        assertThatThrownBy(() -> get(name))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pip:PACKAGE");
        assertThat(fake.requests).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nonsense", "ftp://x", "http://"})
    void aBadEndpointIsNamed(String endpoint) {
        environment.put("HF_ENDPOINT", endpoint);
        assertThatThrownBy(() -> get("org/pico"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("HF_ENDPOINT");
    }

    @Test
    void firstOfTakesTheCacheThenTheOrder() {
        get("org/pico");
        var place = hub().firstOf(List.of("org/other", "org/pico"), Progress.silent());
        assertThat(place.how()).isEqualTo("from the cache");
        assertThatThrownBy(
                        () -> hub().firstOf(List.of("org/other", "org/third"), Progress.silent()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("org/other: ")
                .hasMessageContaining("org/third: ");
    }
}
