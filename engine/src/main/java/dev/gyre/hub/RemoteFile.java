package dev.gyre.hub;

import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * A file as the hub describes it.
 *
 * @param label what to call it
 * @param uri where it is
 * @param etag its checksum (sha256 of a large file, git's sha1 of a small one), or another mark of
 *     its content
 * @param bytes its size; -1 when the hub does not say
 */
record RemoteFile(String label, URI uri, String etag, long bytes) {

    static RemoteFile of(String label, URI uri, HttpResponse<?> head) {
        var headers = head.headers();
        boolean linked = headers.firstValue("X-Linked-Etag").isPresent();
        String etag =
                headers.firstValue(linked ? "X-Linked-Etag" : "ETag")
                        .orElse("")
                        .replaceFirst("^W/", "")
                        .replace("\"", "");
        // a redirect's own length is that of its page
        long bytes =
                headers.firstValueAsLong("X-Linked-Size")
                        .orElseGet(
                                () ->
                                        head.statusCode() == 200
                                                ? headers.firstValueAsLong("Content-Length")
                                                        .orElse(-1)
                                                : -1);
        return new RemoteFile(label, uri, etag, bytes);
    }

    /** The file's name in the cache: its etag, where that can be a name. */
    String blob() {
        if (etag.matches("\\w[\\w.-]{0,127}")) return etag;
        byte[] text = (uri + "\n" + etag).getBytes(StandardCharsets.UTF_8);
        return HexFormat.of().formatHex(Checksum.digest("SHA-256").digest(text));
    }
}
