package dev.gyre.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The hub's two checksums, told apart by their length. */
final class Checksum {
    private Checksum() {}

    /** True when a file is what the hub announced; one without a checksum is judged by its size. */
    static boolean fits(Path file, RemoteFile remote) throws IOException {
        long bytes = Files.size(file);
        if (remote.bytes() >= 0 && bytes != remote.bytes()) return false;
        String etag = remote.etag();
        if (etag.matches("[0-9a-f]{64}")) return etag.equals(hex(file, digest("SHA-256")));
        if (!etag.matches("[0-9a-f]{40}")) return true;
        var git = digest("SHA-1");
        git.update(("blob " + bytes + "\0").getBytes(StandardCharsets.UTF_8));
        return etag.equals(hex(file, git));
    }

    private static String hex(Path file, MessageDigest digest) throws IOException {
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) digest.update(buffer, 0, n);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has " + algorithm, e);
        }
    }
}
