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

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Who asks, and by which way: tokens and proxies. */
class HubAccessTest {
    @TempDir Path home;
    private final FakeHub fake = new FakeHub();
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void settings() {
        environment.put("HOME", home.toString());
        environment.put("HF_ENDPOINT", fake.address());
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    private Path resolve() {
        return new Hub(environment).resolve("acme/tiny", Progress.NONE);
    }

    @Test
    void theTokenOfALoginIsFound() throws IOException {
        fake.token = "secret";
        assertThatThrownBy(this::resolve).hasMessageContaining("401");
        Path login = home.resolve(".cache/huggingface/token");
        Files.createDirectories(login.getParent());
        Files.writeString(login, "secret\n");
        assertThat(resolve()).isDirectory();
    }

    @Test
    void theTokensFileMayLieElsewhereAndTheVariableWins() throws IOException {
        fake.token = "secret";
        environment.put("HF_HOME", home.resolve("hf").toString());
        Files.createDirectories(home.resolve("hf"));
        Files.writeString(home.resolve("hf/token"), "old");
        assertThatThrownBy(this::resolve).hasMessageContaining("401");
        environment.put(
                "HF_TOKEN_PATH", Files.writeString(home.resolve("mine"), " secret ").toString());
        assertThat(resolve()).isDirectory();
        environment.put("HF_TOKEN", "wrong");
        Files.delete(resolve().resolve("tokenizer.json"));
        assertThatThrownBy(this::resolve).hasMessageContaining("401");
    }

    @Test
    void anEmptyTokensFileIsNoToken() throws IOException {
        environment.put("HF_TOKEN_PATH", Files.writeString(home.resolve("mine"), "\n").toString());
        assertThat(resolve()).isDirectory();
    }

    @Test
    void aTokensFileThatCannotBeReadIsNamed() throws IOException {
        Path folder = Files.createDirectory(home.resolve("mine"));
        environment.put("HF_TOKEN_PATH", folder.toString());
        assertThatThrownBy(this::resolve)
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("cannot read " + folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP_PROXY", "http_proxy", "ALL_PROXY"})
    void requestsGoThroughTheProxy(String variable) {
        environment.put("HF_ENDPOINT", "http://hub.invalid");
        environment.put(variable, fake.address().replace("http://", "http://ann:b%40c@"));
        assertThat(resolve()).isDirectory();
        assertThat(fake.proxied).containsOnly("Basic YW5uOmJAYw==");
    }

    @Test
    void hostsThatAreListedAreReachedDirectly() {
        environment.put("HTTP_PROXY", "http://proxy.invalid:3128");
        environment.put("NO_PROXY", "example.org, 127.0.0.1");
        assertThat(resolve()).isDirectory();
        assertThat(fake.proxied).containsOnly("none");
    }

    @ParameterizedTest
    @CsvSource({
        "'hub.example.org',false",
        "'example.org',false",
        "'.example.org',false",
        "'*.example.org',false",
        "'EXAMPLE.ORG',false",
        "'*',false",
        "'a.net, hub.example.org:443',false",
        "'hub.example.org:80',true",
        "'ample.org',true",
        "'org.example',true",
        "'',true"
    })
    void theListNamesHostsAndTheirDomains(String list, boolean through) {
        var proxies = new Proxies(Map.of("https_proxy", "p.example.net:8080", "no_proxy", list));
        assertThat(proxies.to(URI.create("https://hub.example.org:443/x")).isPresent())
                .isEqualTo(through);
    }

    @Test
    void aTunnelIsAskedForAndItsRefusalIsSaid() throws Exception {
        try (var proxy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var heard = CompletableFuture.supplyAsync(() -> refused(proxy));
            environment.put("HF_ENDPOINT", "https://hub.invalid");
            String address = "127.0.0.1:" + proxy.getLocalPort();
            environment.put("HTTPS_PROXY", "http://ann:secret@" + address);
            assertThatThrownBy(this::resolve)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("cannot be reached through the proxy http://" + address)
                    .hasMessageContaining("HTTPS_PROXY")
                    .hasMessageNotContaining("secret");
            assertThat(heard.get())
                    .contains("CONNECT hub.invalid:443 HTTP/1.1")
                    .contains("Proxy-Authorization: Basic YW5uOnNlY3JldA==");
        }
    }

    private static List<String> refused(ServerSocket proxy) {
        var lines = new ArrayList<String>();
        try (Socket caller = proxy.accept()) {
            var in =
                    new BufferedReader(
                            new InputStreamReader(
                                    caller.getInputStream(), StandardCharsets.ISO_8859_1));
            for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine())
                lines.add(line);
            caller.getOutputStream()
                    .write(
                            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
                                    .getBytes(StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            lines.add(e.toString());
        }
        return lines;
    }

    @ParameterizedTest
    @ValueSource(strings = {"socks5://127.0.0.1:1080", "http://", "not an address"})
    void aProxyOfAnotherKindIsRefusedByName(String value) {
        environment.put("http_proxy", value);
        assertThatThrownBy(this::resolve)
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("HTTP_PROXY must be the address of an HTTP proxy");
    }
}
