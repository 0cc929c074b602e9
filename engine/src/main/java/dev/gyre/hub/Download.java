package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * One file from the hub to disk. It grows under a name of its own, goes on where an earlier try
 * broke off, and takes its real name only when its checksum fits.
 */
final class Download {
    private static final int FRUITLESS_TRIES = 3;
    private static final int BUFFER = 1 << 16;
    private final HubClient client;
    private final RemoteFile remote;
    private final Path part;
    private final Progress progress;

    private Download(HubClient client, RemoteFile remote, Path part, Progress progress) {
        this.client = client;
        this.remote = remote;
        this.part = part;
        this.progress = progress;
    }

    /**
     * Fetches a file, unless it is there.
     *
     * @throws UserError when it cannot be had whole; what came so far stays for the next try
     */
    static void to(Path blob, RemoteFile remote, HubClient client, Progress progress)
            throws IOException {
        if (Files.exists(blob)) return;
        Path part = blob.resolveSibling(blob.getFileName() + ".incomplete");
        new Download(client, remote, part, progress).run();
        Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE);
    }

    private void run() throws IOException {
        boolean resumed = have() > 0;
        pull();
        if (Checksum.fits(part, remote)) return;
        Files.delete(part);
        if (!resumed) throw HubErrors.checksum(remote);
        // the older piece may have been bad: once more, from its beginning
        pull();
        if (Checksum.fits(part, remote)) return;
        Files.delete(part);
        throw HubErrors.checksum(remote);
    }

    private long have() throws IOException {
        return Files.exists(part) ? Files.size(part) : 0;
    }

    private void pull() throws IOException {
        HubErrors.needSpace(part, remote.bytes() - have(), remote.label());
        for (int fruitless = 0; ; ) {
            long before = have();
            if (remote.bytes() >= 0 && before > remote.bytes()) {
                Files.delete(part);
                continue;
            }
            if (before == remote.bytes() && Files.exists(part)) return;
            try {
                if (stream(before)) return;
                Files.deleteIfExists(part);
                fruitless++;
            } catch (IOException e) {
                fruitless = have() > before ? 0 : fruitless + 1;
                if (fruitless >= FRUITLESS_TRIES || Thread.currentThread().isInterrupted())
                    throw HubErrors.brokenOff(remote, have(), e);
                Pause.millis(100L << fruitless);
            }
            if (fruitless >= FRUITLESS_TRIES)
                throw HubErrors.brokenOff(
                        remote, 0, new IOException("it does not send the part asked for"));
        }
    }

    /** Reads on to the end; false when the server cannot go on from here. */
    private boolean stream(long from) throws IOException {
        var answer = client.bytes(remote.uri(), from);
        try (InputStream in = answer.body()) {
            int status = answer.statusCode();
            if (status == 416) return false;
            if (status == 429 || status >= 500)
                throw new IOException("the server answers " + status);
            if (status != 200 && status != 206) throw HubErrors.status(remote.label(), status, "");
            boolean goesOn = status == 206 && from > 0;
            if (goesOn
                    && !answer.headers()
                            .firstValue("Content-Range")
                            .orElse("")
                            .startsWith("bytes " + from + "-")) return false;
            copy(in, goesOn ? from : 0);
            return true;
        }
    }

    private void copy(InputStream in, long from) throws IOException {
        byte[] buffer = new byte[BUFFER];
        try (var watch = new StallWatch(in);
                var out =
                        FileChannel.open(
                                part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            out.truncate(from).position(from);
            long done = from;
            progress.at(remote.label(), done, remote.bytes());
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                watch.alive();
                write(out, ByteBuffer.wrap(buffer, 0, n));
                done += n;
                if (remote.bytes() >= 0 && done > remote.bytes())
                    return; // the checksum will say so
                progress.at(remote.label(), done, remote.bytes());
            }
            out.force(true);
        }
    }

    private void write(FileChannel out, ByteBuffer bytes) {
        try {
            while (bytes.hasRemaining()) out.write(bytes);
        } catch (IOException e) {
            throw HubErrors.unwritable(part, e); // no second try: the disk is not the network
        }
    }
}
