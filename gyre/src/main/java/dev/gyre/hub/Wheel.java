package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Enumeration;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * A Python wheel, which is a zip file. Nothing is written outside the folder that it is unpacked
 * into, and no link.
 */
final class Wheel {
    private static final int CENTRAL_ENTRY = 0x02014b50;
    private static final int CENTRAL_ENTRY_BYTES = 46;
    private static final int UNIX_TYPE = 0xF000;
    private static final int UNIX_FILE = 0x8000;
    private static final int UNIX_FOLDER = 0x4000;

    private final Path file;

    Wheel(Path file) {
        this.file = file;
    }

    /** {@code NAME-VERSION-PYTHON-ABI-PLATFORM.whl}: its second part. */
    String version() {
        String[] parts = String.valueOf(file.getFileName()).split("-", -1);
        if (parts.length < 5 || !parts[1].matches("[A-Za-z0-9][\\w.!+]*"))
            throw new UserError(file.getFileName() + " is not named as a wheel is");
        return parts[1];
    }

    void unpack(Path folder) {
        try (var zip = new ZipFile(file.toFile())) {
            refuseLinks();
            long bytes = 0;
            for (var e = zip.entries(); e.hasMoreElements(); ) {
                var entry = e.nextElement();
                checkPath(entry.getName(), folder);
                if (entry.getSize() < 0 || Long.MAX_VALUE - bytes < entry.getSize())
                    throw unsafe(entry.getName(), "has no size");
                bytes += entry.getSize();
            }
            Files.createDirectories(folder);
            long free = Files.getFileStore(folder).getUsableSpace();
            if (bytes > free)
                throw new UserError(
                        "%s unpacks to %d MB, and only %d MB are free below %s. Free some, or set XDG_CACHE_HOME to another place."
                                .formatted(
                                        file.getFileName(),
                                        bytes / 1_000_000,
                                        free / 1_000_000,
                                        folder));
            write(zip, zip.entries(), folder);
        } catch (ZipException e) {
            throw new UserError(file + " is not a whole wheel: " + e.getMessage(), e);
        } catch (IOException e) {
            throw HubErrors.unwritable(folder, e);
        }
    }

    private void write(ZipFile zip, Enumeration<? extends ZipEntry> entries, Path folder)
            throws IOException {
        while (entries.hasMoreElements()) {
            var entry = entries.nextElement();
            Path target = folder.resolve(entry.getName());
            if (entry.isDirectory()) {
                Files.createDirectories(target);
                continue;
            }
            Files.createDirectories(target.getParent());
            var crc = new CRC32();
            long written = 0;
            try (var in = new CheckedInputStream(zip.getInputStream(entry), crc);
                    var out =
                            Files.newOutputStream(
                                    target,
                                    StandardOpenOption.CREATE_NEW,
                                    StandardOpenOption.WRITE)) {
                byte[] chunk = new byte[1 << 17];
                for (int n = in.read(chunk);
                        n >= 0 && written <= entry.getSize();
                        n = in.read(chunk)) {
                    out.write(chunk, 0, n);
                    written += n;
                }
            }
            if (written != entry.getSize() || crc.getValue() != entry.getCrc())
                throw new ZipException(entry.getName() + " is damaged");
        }
    }

    private void checkPath(String name, Path folder) {
        if (name.isEmpty() || name.startsWith("/") || name.contains("\\") || name.contains(":"))
            throw unsafe(name, "is not below it");
        try {
            for (Path part : Path.of(name))
                if (part.toString().equals("..")) throw unsafe(name, "leads out of it");
            if (!folder.resolve(name).normalize().startsWith(folder.normalize()))
                throw unsafe(name, "leads out of it");
        } catch (InvalidPathException e) {
            throw new UserError(unsafe(name, "is no path").getMessage(), e);
        }
    }

    private UserError unsafe(String name, String why) {
        return new UserError(
                "%s is refused: its entry \"%s\" %s. No honest wheel has such an entry; do not use it."
                        .formatted(file.getFileName(), name, why));
    }

    /**
     * The JDK's zip reader hides what kind of file an entry was made from, so the directory is read
     * once by hand.
     */
    private void refuseLinks() throws IOException {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            var place = ZipDirectory.find(channel);
            var directory = ByteBuffer.allocate(place.bytes()).order(ByteOrder.LITTLE_ENDIAN);
            while (directory.hasRemaining()
                    && channel.read(directory, place.at() + directory.position()) >= 0) {}
            directory.flip();
            while (directory.remaining() >= CENTRAL_ENTRY_BYTES) {
                int at = directory.position();
                if (directory.getInt(at) != CENTRAL_ENTRY)
                    throw new ZipException("its directory is damaged");
                int nameBytes = Short.toUnsignedInt(directory.getShort(at + 28));
                int more =
                        Short.toUnsignedInt(directory.getShort(at + 30))
                                + Short.toUnsignedInt(directory.getShort(at + 32));
                int end = at + CENTRAL_ENTRY_BYTES + nameBytes + more;
                if (end > directory.limit()) throw new ZipException("its directory is cut off");
                int type = directory.getInt(at + 38) >>> 16 & UNIX_TYPE;
                if (type != 0 && type != UNIX_FILE && type != UNIX_FOLDER) {
                    byte[] name = new byte[nameBytes];
                    directory.get(at + CENTRAL_ENTRY_BYTES, name);
                    throw unsafe(new String(name, StandardCharsets.UTF_8), "is a link or a device");
                }
                directory.position(end);
            }
        }
    }
}
