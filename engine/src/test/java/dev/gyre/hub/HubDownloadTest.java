package dev.gyre.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

/** Models of a hub that runs on the loopback interface. */
class HubDownloadTest {
    @TempDir Path home;
    private final FakeHub fake = new FakeHub();
    private Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void settings() {
        environment =
                new HashMap<>(
                        Map.of(
                                "HOME", home.toString(),
                                "HF_HOME", home.resolve("hf").toString(),
                                "HF_ENDPOINT", fake.address()));
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    private Path resolve(String name) {
        return new Hub(environment).resolve(name, Progress.NONE);
    }

    private Path repository() {
        return home.resolve("hf/hub/models--acme--tiny");
    }

    @Test
    void laysTheCacheOutAsOtherProgramsDo() throws IOException {
        Path folder = resolve("acme/tiny");
        assertThat(folder).isEqualTo(repository().resolve("snapshots").resolve(FakeHub.COMMIT));
        assertThat(repository().resolve("refs/main")).hasContent(FakeHub.COMMIT);
        try (var files = Files.list(folder)) {
            assertThat(files.map(f -> f.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "config.json",
                            "tokenizer.json",
                            "tokenizer_config.json",
                            "model.safetensors");
        }
        byte[] weights = fake.file("model.safetensors");
        assertThat(folder.resolve("model.safetensors")).hasBinaryContent(weights).isSymbolicLink();
        assertThat(Files.readSymbolicLink(folder.resolve("model.safetensors")))
                .isEqualTo(Path.of("../../blobs", FakeHub.hex("SHA-256", weights)));
        assertThat(folder.resolve("config.json").toRealPath().getFileName())
                .hasToString(FakeHub.gitHash(fake.file("config.json")));
    }

    @Test
    void asksNobodyForWhatIsInTheCache() {
        Path first = resolve("acme/tiny");
        fake.requests.clear();
        assertThat(resolve("acme/tiny")).isEqualTo(first);
        assertThat(resolve("acme/tiny@" + FakeHub.COMMIT)).isEqualTo(first);
        environment.put("HF_HUB_OFFLINE", "1");
        assertThat(resolve("acme/tiny")).isEqualTo(first);
        assertThat(fake.requests).isEmpty();
    }

    @Test
    void fetchesWhatASnapshotLacks() throws IOException {
        Path folder = resolve("acme/tiny");
        Files.delete(folder.resolve("tokenizer.json"));
        fake.requests.clear();
        resolve("acme/tiny");
        assertThat(folder.resolve("tokenizer.json")).exists();
        assertThat(fake.requests).noneMatch(r -> r.contains("safetensors"));
    }

    @Test
    void namesABranchWithASlash() {
        assertThat(resolve("acme/tiny@refs/pr/1")).exists();
        assertThat(repository().resolve("refs/refs/pr/1")).hasContent(FakeHub.COMMIT);
        assertThat(fake.requests.getFirst())
                .isEqualTo("GET /api/models/acme/tiny/revision/refs/pr/1");
    }

    @Test
    void takesTheShardsThatTheIndexNames() {
        byte[] weights = fake.file("model.safetensors");
        fake.files.remove("model.safetensors");
        fake.files.put("model-00001-of-00002.safetensors", weights);
        fake.files.put("model-00002-of-00002.safetensors", new byte[] {1, 2, 3});
        fake.files.put("consolidated.safetensors", new byte[] {9});
        fake.text(
                "model.safetensors.index.json",
                "{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\",\"b\":\"model-00002-of-00002.safetensors\"}}");
        Path folder = resolve("acme/tiny");
        assertThat(folder.resolve("model-00002-of-00002.safetensors"))
                .hasBinaryContent(new byte[] {1, 2, 3});
        assertThat(folder.resolve("consolidated.safetensors")).doesNotExist();
        assertThat(new Hub(environment).cached("acme/tiny")).contains(folder);
    }

    @Test
    void refusesAnIndexThatLeavesItsFolder() {
        fake.files.remove("model.safetensors");
        fake.text(
                "model.safetensors.index.json",
                "{\"weight_map\":{\"a\":\"../../../evil.safetensors\"}}");
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("must be a safetensors file beside the index");
    }

    @Test
    void goesOnWhereAnEarlierRunBrokeOff() throws IOException {
        byte[] weights = fake.file("model.safetensors");
        Path part =
                repository()
                        .resolve("blobs")
                        .resolve(FakeHub.hex("SHA-256", weights) + ".incomplete");
        Files.createDirectories(part.getParent());
        Files.write(part, java.util.Arrays.copyOf(weights, 123_456));
        Path folder = resolve("acme/tiny");
        assertThat(folder.resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(fake.requests).anyMatch(r -> r.endsWith("model.safetensors bytes=123456-"));
        assertThat(part).doesNotExist();
    }

    @Test
    void goesOnWithinOneRunWhenTheConnectionBreaks() {
        fake.breaksAfter = 100_000;
        Path folder = resolve("acme/tiny");
        assertThat(folder.resolve("model.safetensors"))
                .hasBinaryContent(fake.file("model.safetensors"));
        assertThat(fake.requests).anyMatch(r -> r.contains("safetensors bytes="));
    }

    @Test
    void startsAgainWhereTheServerKnowsNoRanges() throws IOException {
        fake.ignoresRanges = true;
        byte[] weights = fake.file("model.safetensors");
        Path part =
                repository()
                        .resolve("blobs")
                        .resolve(FakeHub.hex("SHA-256", weights) + ".incomplete");
        Files.createDirectories(part.getParent());
        Files.write(part, new byte[50_000]);
        assertThat(resolve("acme/tiny").resolve("model.safetensors")).hasBinaryContent(weights);
    }

    @Test
    void startsAgainWhenTheOlderPieceWasBad() throws IOException {
        byte[] weights = fake.file("model.safetensors");
        Path part =
                repository()
                        .resolve("blobs")
                        .resolve(FakeHub.hex("SHA-256", weights) + ".incomplete");
        Files.createDirectories(part.getParent());
        Files.write(part, new byte[50_000]);
        assertThat(resolve("acme/tiny").resolve("model.safetensors")).hasBinaryContent(weights);
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.safetensors", "config.json"})
    void keepsNothingWhoseChecksumIsWrong(String file) throws IOException {
        fake.wrongChecksumOf = file;
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("acme/tiny/" + file + " arrived damaged");
        try (var blobs = Files.list(repository().resolve("blobs"))) {
            assertThat(blobs).noneMatch(b -> b.toString().endsWith(".incomplete"));
        }
        assertThat(repository().resolve("refs/main")).doesNotExist();
        assertThat(new Hub(environment).cached("acme/tiny")).isEmpty();
    }

    @Test
    void keepsTheTokenFromTheHostItIsSentTo() {
        fake.redirects = true;
        fake.token = "secret";
        environment.put("HF_TOKEN", "secret");
        Path folder = resolve("acme/tiny");
        assertThat(folder.resolve("model.safetensors"))
                .hasBinaryContent(fake.file("model.safetensors"));
        assertThat(fake.requests).contains("GET elsewhere/model.safetensors");
        assertThat(fake.leaked).isEmpty();
    }

    @Test
    void saysThatATokenIsNeeded() {
        fake.token = "secret";
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "acme/tiny: the hub answers 401: there is no such model, or it needs a"
                                + " token; check the name, or set HF_TOKEN to a token that may read"
                                + " it (hf auth login keeps one)");
    }

    @ParameterizedTest
    @CsvSource({
        "403,accept the model's licence",
        "404,check the name",
        "429,too many requests",
        "500,try again later"
    })
    void saysWhatToDoAboutARefusal(int status, String advice) {
        fake.status = status;
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("acme/tiny: the hub answers " + status)
                .hasMessageContaining(advice);
    }

    @Test
    void namesTheCachedModelThatWasMeant() {
        resolve("acme/tiny");
        assertThatThrownBy(() -> resolve("acme/tinny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("404")
                .hasMessageContaining("did you mean \"acme/tiny\", which is in the cache?");
        environment.put("HF_HUB_OFFLINE", "true");
        assertThatThrownBy(() -> resolve("acme/tinny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("HF_HUB_OFFLINE")
                .hasMessageContaining("did you mean \"acme/tiny\"");
    }

    @Test
    void saysWhatARepositoryWithoutAModelHas() {
        fake.files.clear();
        fake.text("pytorch_model.bin", "x");
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("it has: pytorch_model.bin");
    }

    @Test
    void givesUpOnAClosedPort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            environment.put("HF_ENDPOINT", "http://127.0.0.1:" + socket.getLocalPort());
        }
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot be reached: connection refused");
    }

    @Test
    void givesUpOnAHubThatNeverAnswers() throws IOException {
        try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            environment.put("HF_ENDPOINT", "http://127.0.0.1:" + silent.getLocalPort());
            environment.put("HF_HUB_ETAG_TIMEOUT", "0.3");
            long start = System.nanoTime();
            assertThatThrownBy(() -> resolve("acme/tiny"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("no answer within 0.3 s");
            assertThat((System.nanoTime() - start) / 1e9).isLessThan(4);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"not an address", "ftp://hub", "hub.example.org"})
    void refusesAnEndpointThatIsNoAddress(String endpoint) {
        environment.put("HF_ENDPOINT", endpoint);
        assertThatThrownBy(() -> new Hub(environment))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("HF_ENDPOINT must be an address");
    }

    @Test
    void refusesAnAnswerThatIsNoJson() throws IOException {
        var server =
                com.sun.net.httpserver.HttpServer.create(
                        new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/",
                x -> {
                    byte[] body =
                            "<html>Please log in</html>"
                                    .getBytes(java.nio.charset.StandardCharsets.UTF_8);
                    x.sendResponseHeaders(200, body.length);
                    x.getResponseBody().write(body);
                    x.close();
                });
        server.start();
        environment.put("HF_ENDPOINT", "http://127.0.0.1:" + server.getAddress().getPort());
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("answer about acme/tiny")
                .hasMessageContaining("not JSON");
        server.stop(0);
    }

    @Test
    void saysHowFarItIs() {
        var heard = new ArrayList<String>();
        new Hub(environment)
                .resolve(
                        "acme/tiny",
                        (label, done, total) -> heard.add(label + " " + done + " " + total));
        assertThat(heard)
                .contains(
                        "acme/tiny/model.safetensors 0 300000",
                        "acme/tiny/model.safetensors 300000 300000");
    }

    @Test
    void saysThatTheDiskIsTooSmallBeforeItIsFull() {
        assertThatThrownBy(() -> HubErrors.needSpace(home.resolve("x"), 1L << 60, "acme/huge"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith(
                        "acme/huge needs 1099511627776.0 MiB, but the disk of " + home)
                .hasMessageContaining("HF_HOME");
        assertThat(HubErrors.unwritable(home, new IOException("No space left on device")))
                .hasMessageContaining("the disk is full");
    }

    @Test
    void saysThatTheCacheCannotBeWritten() throws IOException {
        environment.put("HF_HOME", Files.writeString(home.resolve("file"), "x").toString());
        assertThatThrownBy(() -> resolve("acme/tiny"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("cannot write " + home.resolve("file/hub"));
    }

    @Test
    void letsTwoThreadsShareOneDownload() throws Exception {
        try (var pool = Executors.newFixedThreadPool(2)) {
            var one = pool.submit(() -> resolve("acme/tiny"));
            var two = pool.submit(() -> resolve("acme/tiny"));
            assertThat(one.get()).isEqualTo(two.get());
        }
        assertThat(fake.requests)
                .filteredOn(r -> r.startsWith("GET") && r.endsWith("model.safetensors"))
                .hasSize(1);
    }

    @Test
    void passesOverWhatCannotBeHad() {
        fake.token = "secret";
        var hub = new Hub(environment);
        assertThatThrownBy(() -> hub.first(List.of("acme/tiny", "pip:tiny"), Progress.NONE))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("acme/tiny: acme/tiny: the hub answers 401")
                .hasMessageContaining("pip:tiny: pip:tiny needs python3");
        fake.token = "";
        var found = hub.first(List.of("pip:tiny", "acme/tiny"), Progress.NONE);
        assertThat(found.name()).isEqualTo("acme/tiny");
        assertThat(found.passedOver()).singleElement().asString().contains("python3");
        assertThat(hub.first(List.of("pip:tiny", "acme/tiny"), Progress.NONE).passedOver())
                .isEmpty();
    }
}
