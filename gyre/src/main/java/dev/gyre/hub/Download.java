package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Fetches one file of the hub: goes on where an earlier run stopped, and shows nothing under the
 * final name before its checksum is right. Large files are named by their SHA-256, small ones by
 * git's SHA-1.
 */
final class Download {
    private static final Duration ANSWER = Duration.ofSeconds(30);
    private static final Duration STALL = Duration.ofSeconds(30);
    private static final int TRIES = 4;

    private final Http http;
    private final Progress progress;

    Download(Http http, Progress progress) {
        this.http = http;
        this.progress = progress;
    }

    /** The connection failed, not the disk: worth another try. */
    private static final class BrokenOff extends IOException {
        private static final long serialVersionUID = 1L;

        BrokenOff(IOException cause) {
            super(HubErrors.reason(cause), cause);
        }
    }

    /**
     * Fetches into the folder of blobs.
     *
     * @param checksum empty when the hub has not said; then the answer's ETag is
     * @param bytes 0 when the hub has not said
     * @return the blob, named by its checksum
     */
    Path fetch(URI uri, String name, Optional<String> checksum, long bytes, Path blobs) {
        for (int attempt = 1; ; attempt++) {
            try {
                return attempt(uri, name, checksum, bytes, blobs);
            } catch (BrokenOff e) {
                if (attempt == TRIES) throw HubErrors.broken(name, e);
                pause(attempt);
            } catch (IOException e) {
                throw HubErrors.unwritable(blobs, e);
            }
        }
    }

    private static void pause(int attempt) {
        try {
            Thread.sleep(200L << (2 * (attempt - 1)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("interrupted", e);
        }
    }

    private Path attempt(URI uri, String name, Optional<String> known, long bytes, Path blobs)
            throws IOException {
        Files.createDirectories(blobs);
        long have = known.isPresent() ? size(incomplete(blobs, known.get())) : 0;
        if (bytes > 0 && have > bytes) have = 0;
        boolean whole = bytes > 0 && have == bytes;
        if (whole && known.isPresent()) return finish(name, known.get(), blobs);
        try (var answer = get(uri, have)) {
            int status = answer.status();
            if (status == 416 && have > 0) {
                Files.delete(incomplete(blobs, known.orElseThrow()));
                throw new BrokenOff(new IOException("the server would not go on at byte " + have));
            }
            if (status >= 500 || status == 429)
                throw new BrokenOff(new IOException("HTTP " + status));
            if (status != 200 && status != 206)
                throw new UserError(
                        "%s cannot be fetched: the server answers HTTP %d".formatted(name, status));
            String checksum =
                    known.or(answer::etag)
                            .map(Download::unquoted)
                            .filter(Download::isChecksum)
                            .orElseThrow(
                                    () ->
                                            new UserError(
                                                    "%s cannot be checked: the server names no checksum"
                                                            .formatted(name)));
            boolean goesOn =
                    status == 206
                            && answer.header("Content-Range")
                                    .orElse("")
                                    .startsWith("bytes " + have + "-");
            if (status == 206 && !goesOn)
                throw new BrokenOff(new IOException("the server sent another part"));
            long total =
                    bytes > 0
                            ? bytes
                            : answer.response()
                                            .headers()
                                            .firstValueAsLong("Content-Length")
                                            .orElse(0)
                                    + (goesOn ? have : 0);
            receive(answer.body(), incomplete(blobs, checksum), goesOn ? have : 0, name, total);
            return finish(name, checksum, blobs);
        }
    }

    private Http.Answer get(URI uri, long from) throws BrokenOff {
        try {
            return http.get(uri, from, ANSWER);
        } catch (IOException e) {
            throw new BrokenOff(e);
        }
    }

    private void receive(InputStream body, Path file, long from, String name, long total)
            throws IOException {
        var done = new AtomicLong(from);
        var watch = Thread.ofVirtual().start(() -> closeWhenStalled(body, done));
        try (var out =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            out.truncate(from).position(from);
            byte[] chunk = new byte[1 << 17];
            for (int n = read(body, chunk); n >= 0; n = read(body, chunk)) {
                var bytes = ByteBuffer.wrap(chunk, 0, n);
                while (bytes.hasRemaining()) out.write(bytes);
                progress.fetched(name, done.addAndGet(n), total);
            }
            out.force(true);
        } finally {
            watch.interrupt();
        }
        if (total > 0 && done.get() < total)
            throw new BrokenOff(
                    new IOException("it ended after %d of %d bytes".formatted(done.get(), total)));
    }

    private static int read(InputStream body, byte[] chunk) throws BrokenOff {
        try {
            return body.read(chunk);
        } catch (IOException e) {
            throw new BrokenOff(e);
        }
    }

    /** The client has no limit for a body that stops coming. */
    private static void closeWhenStalled(InputStream body, AtomicLong done) {
        try {
            for (long before = -1; before != done.get(); ) {
                before = done.get();
                Thread.sleep(STALL);
            }
            body.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the download is over
        } catch (IOException e) {
            throw new UserError("a stalled connection would not close", e);
        }
    }

    private static Path finish(String name, String checksum, Path blobs) throws IOException {
        Path incomplete = incomplete(blobs, checksum);
        String got = digest(incomplete, checksum.length() == 64);
        if (!got.equals(checksum)) {
            Files.delete(incomplete);
            throw HubErrors.wrongChecksum(name, checksum, got);
        }
        return Files.move(incomplete, blobs.resolve(checksum), StandardCopyOption.ATOMIC_MOVE);
    }

    /** SHA-256 of the bytes, or git's SHA-1 of a blob: "blob", length and zero before the bytes. */
    private static String digest(Path file, boolean sha256) throws IOException {
        try (var in = Files.newInputStream(file)) {
            var digest = MessageDigest.getInstance(sha256 ? "SHA-256" : "SHA-1");
            if (!sha256)
                digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.UTF_8));
            byte[] chunk = new byte[1 << 17];
            for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) digest.update(chunk, 0, n);
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path incomplete(Path blobs, String checksum) {
        return blobs.resolve(checksum + ".incomplete");
    }

    private static long size(Path file) throws IOException {
        return Files.exists(file) ? Files.size(file) : 0;
    }

    private static String unquoted(String etag) {
        return (etag.startsWith("W/") ? etag.substring(2) : etag).replace("\"", "");
    }

    static boolean isChecksum(String text) {
        return text.matches("[0-9a-f]{40}|[0-9a-f]{64}");
    }
}
