package dev.gyre.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Requests to the hub. Redirects are followed by hand: the token goes to the hub's own address
 * only.
 */
final class HubClient implements AutoCloseable {
    private static final int MOST_REDIRECTS = 10;
    private static final Duration FIRST_BYTE = Duration.ofSeconds(30);

    /** Java would not tell a proxy who asks, unless told so before its first request. */
    static {
        String key = "jdk.http.auth.tunneling.disabledSchemes";
        if (System.getProperty(key) == null) System.setProperty(key, "");
    }

    private final Surroundings settings;
    private final Optional<String> token;
    private final Proxies proxies;
    private final HttpClient client;

    HubClient(Surroundings settings) {
        this.settings = settings;
        token = settings.token();
        proxies = new Proxies(settings.environment());
        client =
                HttpClient.newBuilder()
                        .connectTimeout(settings.patience())
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .proxy(proxies)
                        .build();
    }

    /** An address under the hub's. */
    URI at(String path) {
        return URI.create(settings.endpoint() + path);
    }

    /** The proxy between here and the hub, if the environment names one. */
    Optional<URI> proxy() {
        return proxies.to(settings.endpoint());
    }

    /** The body of a small answer, whatever its status. */
    HttpResponse<String> ask(URI uri) throws IOException {
        URI now = uri;
        for (int i = 0; i <= MOST_REDIRECTS; i++) {
            var answer =
                    send(
                            request(now).GET().build(),
                            HttpResponse.BodyHandlers.ofString(),
                            settings.patience());
            if (!isRedirect(answer)) return answer;
            now = next(now, answer);
        }
        throw new IOException("redirected more than " + MOST_REDIRECTS + " times");
    }

    /**
     * What the hub itself says of a file: it names size and checksum before it sends the reader on
     * to another host, so only redirects within the hub are followed.
     */
    HttpResponse<Void> head(URI uri) throws IOException {
        URI now = uri;
        for (int i = 0; i <= MOST_REDIRECTS; i++) {
            var answer =
                    send(
                            request(now).HEAD().build(),
                            HttpResponse.BodyHandlers.discarding(),
                            settings.patience());
            if (!isRedirect(answer) || !ours(next(now, answer))) return answer;
            now = next(now, answer);
        }
        throw new IOException("redirected more than " + MOST_REDIRECTS + " times");
    }

    /** A file's bytes from an offset on, wherever redirects lead. */
    HttpResponse<InputStream> bytes(URI uri, long from) throws IOException {
        URI now = uri;
        for (int i = 0; i <= MOST_REDIRECTS; i++) {
            var request = request(now).GET();
            if (from > 0) request.header("Range", "bytes=" + from + "-");
            var answer =
                    send(request.build(), HttpResponse.BodyHandlers.ofInputStream(), FIRST_BYTE);
            if (!isRedirect(answer)) return answer;
            answer.body().close();
            now = next(now, answer);
        }
        throw new IOException("redirected more than " + MOST_REDIRECTS + " times");
    }

    private HttpRequest.Builder request(URI uri) {
        var request =
                HttpRequest.newBuilder(uri)
                        .header("User-Agent", "gyre")
                        .header("Accept-Encoding", "identity");
        if (ours(uri)) token.ifPresent(t -> request.header("Authorization", "Bearer " + t));
        proxies.to(uri)
                .flatMap(Proxies::authorization)
                .ifPresent(who -> request.header("Proxy-Authorization", who));
        return request;
    }

    private boolean ours(URI uri) {
        URI own = settings.endpoint();
        return own.getScheme().equals(uri.getScheme())
                && own.getAuthority().equals(uri.getAuthority());
    }

    private static boolean isRedirect(HttpResponse<?> answer) {
        return switch (answer.statusCode()) {
            case 301, 302, 303, 307, 308 -> answer.headers().firstValue("Location").isPresent();
            default -> false;
        };
    }

    private static URI next(URI from, HttpResponse<?> answer) throws IOException {
        String location = answer.headers().firstValue("Location").orElse("");
        try {
            URI to = from.resolve(location);
            boolean web = "https".equals(to.getScheme()) || "http".equals(to.getScheme());
            if (!web
                    || to.getHost() == null
                    || ("https".equals(from.getScheme()) && "http".equals(to.getScheme())))
                throw new IOException("redirected to an unsafe address, " + location);
            return to;
        } catch (IllegalArgumentException e) {
            throw new IOException("redirected to \"" + location + "\", which is no address", e);
        }
    }

    /**
     * Sends with a limit that holds for the look-up of the name too, which the client's own limits
     * leave out.
     */
    private <T> HttpResponse<T> send(
            HttpRequest request, HttpResponse.BodyHandler<T> handler, Duration limit)
            throws IOException {
        var answer = client.sendAsync(request, handler);
        try {
            return answer.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw new HttpTimeoutException("no answer within " + limit.toMillis() / 1000.0 + " s");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) throw io;
            throw new IOException(String.valueOf(e.getCause()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    @Override
    public void close() {
        client.shutdownNow(); // close() would wait for an answer that may never come
    }
}
