package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * GET with redirects followed by hand: the token must not go to another host, and the first answer
 * names the checksum.
 */
final class Http {
    private static final int MAX_REDIRECTS = 10;

    private final HubSettings settings;
    private final HttpClient client;

    Http(HubSettings settings) {
        this.settings = settings;
        this.client =
                HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .connectTimeout(settings.patience())
                        .build();
    }

    /**
     * An answer whose body has yet to be read.
     *
     * @param etag of the first answer of the chain: the hub's, not that of the host that it
     *     redirects to
     */
    record Answer(HttpResponse<InputStream> response, Optional<String> etag)
            implements AutoCloseable {
        int status() {
            return response.statusCode();
        }

        InputStream body() {
            return response.body();
        }

        Optional<String> header(String name) {
            return response.headers().firstValue(name);
        }

        @Override
        public void close() throws IOException {
            body().close();
        }
    }

    /**
     * @param from the first byte wanted; 0 for all
     */
    Answer get(URI uri, long from, Duration patience) throws IOException {
        Optional<String> etag = Optional.empty();
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            var request =
                    HttpRequest.newBuilder(uri).timeout(patience).header("User-Agent", "gyre");
            if (from > 0) request.header("Range", "bytes=" + from + "-");
            if (sameOrigin(uri, settings.endpoint()))
                settings.token()
                        .ifPresent(token -> request.header("Authorization", "Bearer " + token));
            var response = send(request.build(), patience);
            if (etag.isEmpty())
                etag =
                        response.headers()
                                .firstValue("X-Linked-Etag")
                                .or(() -> response.headers().firstValue("ETag"));
            var answer = new Answer(response, etag);
            Optional<URI> target = redirect(answer, uri);
            if (target.isEmpty()) return answer;
            answer.close();
            uri = target.get();
        }
        throw new IOException("more than " + MAX_REDIRECTS + " redirects");
    }

    private static Optional<URI> redirect(Answer answer, URI uri) throws IOException {
        int status = answer.status();
        if (status < 301 || status > 308 || status == 304) return Optional.empty();
        String location =
                answer.header("Location")
                        .orElseThrow(() -> new IOException("a redirect to nowhere"));
        try {
            URI target = uri.resolve(location);
            boolean plain = "http".equals(target.getScheme()) && "https".equals(uri.getScheme());
            if (plain || target.getHost() == null)
                throw new IOException("a redirect to " + location);
            return Optional.of(target);
        } catch (IllegalArgumentException e) {
            throw new IOException("a redirect to " + location, e);
        }
    }

    private static boolean sameOrigin(URI a, URI b) {
        return Objects.equals(a.getScheme(), b.getScheme())
                && Objects.equals(a.getHost(), b.getHost())
                && a.getPort() == b.getPort();
    }

    /**
     * The client's own limits leave out the look-up of the host's name, so the wait has one as
     * well.
     */
    private HttpResponse<InputStream> send(HttpRequest request, Duration patience)
            throws IOException {
        var coming = client.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
        try {
            return coming.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) throw io;
            throw new IOException(e.getCause());
        } catch (TimeoutException e) {
            coming.cancel(true);
            var timeout = new HttpTimeoutException("no answer in time");
            timeout.initCause(e);
            throw timeout;
        } catch (InterruptedException e) {
            coming.cancel(true);
            Thread.currentThread().interrupt();
            throw new UserError("interrupted", e);
        }
    }
}
