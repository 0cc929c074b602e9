package dev.gyre.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import dev.gyre.config.Json;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** A model hub on the loopback address, with one repository and a few ways to misbehave. */
final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    final Map<String, byte[]> files = new LinkedHashMap<>();
    final List<String> requests = new CopyOnWriteArrayList<>();
    int listingStatus = 200;
    boolean redirectsFiles;
    boolean saysChecksums = true;
    boolean damages;

    /** Breaks off each answer after so many bytes. */
    int bytesPerAnswer = Integer.MAX_VALUE;

    private final HttpServer server;

    FakeHub() {
        try {
            server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::answer);
        server.setExecutor(Runnable::run);
        server.start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            URI uri = exchange.getRequestURI();
            var headers = exchange.getRequestHeaders();
            requests.add(
                    uri.getPath()
                            + (headers.containsKey("Range") ? " " + headers.getFirst("Range") : "")
                            + (headers.containsKey("Authorization")
                                    ? " " + headers.getFirst("Authorization")
                                    : ""));
            String name = uri.getPath().substring(uri.getPath().lastIndexOf('/') + 1);
            if (uri.getPath().startsWith("/api/models/org/pico/revision/")) list(exchange);
            else if (!files.containsKey(name)) send(exchange, 404, new byte[0]);
            else if (uri.getPath().startsWith("/org/pico/resolve/" + COMMIT) && redirectsFiles)
                redirect(exchange, name);
            else file(exchange, files.get(name));
        }
    }

    private void list(HttpExchange exchange) throws IOException {
        var siblings = new ArrayList<Map<String, Object>>();
        files.forEach(
                (name, bytes) -> {
                    var file = new LinkedHashMap<String, Object>(Map.of("rfilename", name));
                    if (saysChecksums) {
                        file.put("size", bytes.length);
                        file.put("blobId", gitSha1(bytes));
                        if (isLarge(name))
                            file.put("lfs", Map.of("sha256", sha256(bytes), "size", bytes.length));
                    }
                    siblings.add(file);
                });
        String body = Json.write(Map.of("sha", COMMIT, "siblings", siblings));
        send(exchange, listingStatus, body.getBytes(StandardCharsets.UTF_8));
    }

    private static boolean isLarge(String name) {
        return name.endsWith(".safetensors") || name.endsWith(".gguf");
    }

    private void redirect(HttpExchange exchange, String name) throws IOException {
        byte[] bytes = files.get(name);
        // another name of the same host, so another origin
        exchange.getResponseHeaders()
                .set("Location", endpoint().replace("127.0.0.1", "localhost") + "/cdn/" + name);
        exchange.getResponseHeaders()
                .set("X-Linked-Etag", '"' + (isLarge(name) ? sha256(bytes) : gitSha1(bytes)) + '"');
        send(exchange, 302, new byte[0]);
    }

    private void file(HttpExchange exchange, byte[] bytes) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
        byte[] sent = bytes.clone();
        if (damages) sent[sent.length - 1] ^= 1;
        if (range != null)
            exchange.getResponseHeaders()
                    .set(
                            "Content-Range",
                            "bytes %d-%d/%d".formatted(from, sent.length - 1, sent.length));
        exchange.getResponseHeaders().set("ETag", '"' + sha256(bytes) + '"');
        int length = sent.length - from;
        exchange.sendResponseHeaders(range == null ? 200 : 206, length);
        exchange.getResponseBody().write(sent, from, Math.min(length, bytesPerAnswer));
        exchange.getResponseBody().flush();
    }

    private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        if (body.length > 0) exchange.getResponseBody().write(body);
    }

    static String sha256(byte[] bytes) {
        return digest("SHA-256", bytes);
    }

    static String gitSha1(byte[] bytes) {
        byte[] start = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.UTF_8);
        byte[] all = new byte[start.length + bytes.length];
        System.arraycopy(start, 0, all, 0, start.length);
        System.arraycopy(bytes, 0, all, start.length, bytes.length);
        return digest("SHA-1", all);
    }

    private static String digest(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
