package dev.gyre.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A model hub on the loopback interface, with the answers of the real one and a few of its bad
 * days.
 */
final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    static final String MODEL = "acme/tiny";
    final Map<String, byte[]> files = new TreeMap<>();

    /** Requests in their order: method, path, and the range asked for. */
    final List<String> requests = new CopyOnWriteArrayList<>();

    /** What proxies are told about who asks, request by request; "none" when nothing. */
    final List<String> proxied = new CopyOnWriteArrayList<>();

    /** Tokens that came to the other host, which must see none. */
    final List<String> leaked = new CopyOnWriteArrayList<>();

    volatile int status = 200;
    volatile String token = "";
    volatile String wrongChecksumOf = "";
    volatile boolean redirects;
    volatile boolean ignoresRanges;

    /** The body breaks off after so many bytes. */
    volatile int breaksAfter = Integer.MAX_VALUE;

    private final HttpServer server;
    private final HttpServer elsewhere;

    FakeHub() {
        server = serve(this::answer);
        elsewhere = serve(this::answerElsewhere);
        text("config.json", "{\"model_type\":\"llama\"}");
        text("tokenizer.json", "{}");
        text("tokenizer_config.json", "{}");
        text("README.md", "not needed");
        text("pytorch_model.bin", "not needed");
        text("onnx/model.safetensors", "not needed");
        byte[] weights = new byte[300_000];
        for (int i = 0; i < weights.length; i++) weights[i] = (byte) (i * 31 + (i >> 8));
        files.put("model.safetensors", weights);
    }

    void text(String name, String text) {
        files.put(name, text.getBytes(StandardCharsets.UTF_8));
    }

    /** A file that the model has. */
    byte[] file(String name) {
        return Objects.requireNonNull(files.get(name), name);
    }

    String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private static HttpServer serve(com.sun.net.httpserver.HttpHandler handler) {
        try {
            var made =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            made.createContext("/", handler);
            made.start();
            return made;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void answer(HttpExchange x) throws IOException {
        String path =
                x.getRequestURI().getPath().replace("/resolve/main/", "/resolve/" + COMMIT + "/");
        note(x, path);
        proxied.add(
                Objects.requireNonNullElse(
                        x.getRequestHeaders().getFirst("Proxy-Authorization"), "none"));
        x.getResponseHeaders().set("X-Repo-Commit", COMMIT);
        String wanted = "Bearer " + token;
        if (status != 200) {
            end(x, status);
        } else if (!token.isEmpty()
                && !wanted.equals(x.getRequestHeaders().getFirst("Authorization"))) {
            end(x, 401);
        } else if (path.startsWith("/api/models/" + MODEL + "/revision/")) {
            var names = files.keySet().stream().map(f -> "{\"rfilename\":\"" + f + "\"}").toList();
            byte[] body =
                    ("{\"id\":\""
                                    + MODEL
                                    + "\",\"sha\":\""
                                    + COMMIT
                                    + "\",\"siblings\":["
                                    + String.join(",", names)
                                    + "]}")
                            .getBytes(StandardCharsets.UTF_8);
            x.sendResponseHeaders(200, body.length);
            x.getResponseBody().write(body);
            x.close();
        } else {
            String prefix = "/" + MODEL + "/resolve/" + COMMIT + "/";
            byte[] file =
                    path.startsWith(prefix) ? files.get(path.substring(prefix.length())) : null;
            if (file == null) end(x, 404);
            else file(x, path.substring(prefix.length()), file);
        }
    }

    private void file(HttpExchange x, String name, byte[] file) throws IOException {
        boolean large = name.endsWith(".safetensors") || name.endsWith(".gguf");
        String etag = large ? hex("SHA-256", file) : gitHash(file);
        if (name.equals(wrongChecksumOf)) etag = etag.replaceAll("[0-7]", "8");
        if (large && redirects) {
            x.getResponseHeaders().set("X-Linked-Etag", "\"" + etag + "\"");
            x.getResponseHeaders().set("X-Linked-Size", String.valueOf(file.length));
            x.getResponseHeaders()
                    .set(
                            "Location",
                            "http://127.0.0.1:" + elsewhere.getAddress().getPort() + "/" + name);
            end(x, 302);
            return;
        }
        x.getResponseHeaders().set("ETag", "\"" + etag + "\"");
        body(x, file);
    }

    private void answerElsewhere(HttpExchange x) throws IOException {
        note(x, "elsewhere" + x.getRequestURI().getPath());
        String token = x.getRequestHeaders().getFirst("Authorization");
        if (token != null) leaked.add(token);
        body(x, file(x.getRequestURI().getPath().substring(1)));
    }

    private void body(HttpExchange x, byte[] file) throws IOException {
        if (x.getRequestMethod().equals("HEAD")) {
            x.getResponseHeaders().set("Content-Length", String.valueOf(file.length));
            x.sendResponseHeaders(200, -1);
            x.close();
            return;
        }
        String range = x.getRequestHeaders().getFirst("Range");
        int from =
                range == null || ignoresRanges ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
        if (from > 0)
            x.getResponseHeaders()
                    .set(
                            "Content-Range",
                            "bytes " + from + "-" + (file.length - 1) + "/" + file.length);
        x.sendResponseHeaders(from > 0 ? 206 : 200, file.length - from);
        int to = Math.min(file.length - from, breaksAfter) + from;
        x.getResponseBody().write(Arrays.copyOfRange(file, from, to));
        x.getResponseBody().flush();
        x.close(); // a length not kept breaks the connection
    }

    private void note(HttpExchange x, String path) {
        String range = x.getRequestHeaders().getFirst("Range");
        requests.add(x.getRequestMethod() + " " + path + (range == null ? "" : " " + range));
    }

    private static void end(HttpExchange x, int status) throws IOException {
        x.sendResponseHeaders(status, -1);
        x.close();
    }

    static String gitHash(byte[] file) {
        byte[] head = ("blob " + file.length + "\0").getBytes(StandardCharsets.UTF_8);
        byte[] all = Arrays.copyOf(head, head.length + file.length);
        System.arraycopy(file, 0, all, head.length, file.length);
        return hex("SHA-1", all);
    }

    static String hex(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        elsewhere.stop(0);
    }
}
