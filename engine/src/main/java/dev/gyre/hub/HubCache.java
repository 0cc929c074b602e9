package dev.gyre.hub;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The Hugging Face cache: per model a folder with {@code blobs} (files under their checksum),
 * {@code snapshots} (a folder per commit, of links into the blobs) and {@code refs} (branch or tag
 * to commit). Other programs share it.
 */
record HubCache(Path root) {

    /** The snapshot that a revision stands for, complete or not. */
    Optional<Path> snapshot(ModelName name) throws IOException {
        Path ref = ref(name);
        String commit = Files.isRegularFile(ref) ? Files.readString(ref).strip() : name.revision();
        if (!commit.matches("[0-9a-f]{40}")) return Optional.empty();
        return Optional.of(snapshot(name, commit)).filter(Files::isDirectory);
    }

    Path snapshot(ModelName name, String commit) {
        return root.resolve(name.folder()).resolve("snapshots").resolve(commit);
    }

    Path blob(ModelName name, RemoteFile file) throws IOException {
        Path blobs = root.resolve(name.folder()).resolve("blobs");
        Files.createDirectories(blobs);
        return blobs.resolve(file.blob());
    }

    Path lock(ModelName name) {
        return root.resolve(".locks").resolve(name.folder()).resolve("gyre.lock");
    }

    /**
     * Shows a blob under its name in a snapshot: a link, or a copy where the file system has none.
     */
    static void show(Path blob, Path shown) throws IOException {
        Path folder = shown.toAbsolutePath().getParent();
        if (folder == null) throw new IOException("not a file in a folder: " + shown);
        if (Files.exists(shown)) return;
        Files.createDirectories(folder);
        Path temporary =
                folder.resolve(
                        "." + shown.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
        Files.deleteIfExists(temporary);
        try {
            Files.createSymbolicLink(temporary, folder.relativize(blob.toAbsolutePath()));
        } catch (UnsupportedOperationException | FileSystemException e) {
            Files.copy(
                    blob,
                    temporary,
                    StandardCopyOption.REPLACE_EXISTING,
                    LinkOption.NOFOLLOW_LINKS);
        }
        Files.move(temporary, shown, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Notes which commit a revision is. A commit needs no note. */
    void note(ModelName name, String commit) throws IOException {
        if (name.revision().equals(commit)) return;
        Path ref = ref(name);
        Files.createDirectories(ref.resolveSibling("."));
        Path temporary =
                ref.resolveSibling(
                        ref.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
        Files.writeString(temporary, commit);
        Files.move(temporary, ref, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Models that have a snapshot, as {@code org/name}. */
    List<String> names() throws IOException {
        if (!Files.isDirectory(root)) return List.of();
        try (Stream<Path> folders = Files.list(root)) {
            return folders.filter(f -> Files.isDirectory(f.resolve("snapshots")))
                    .map(f -> f.getFileName().toString())
                    .filter(f -> f.matches("models--.+--.+"))
                    .map(f -> f.substring("models--".length()).replaceFirst("--", "/"))
                    .sorted()
                    .toList();
        }
    }

    private Path ref(ModelName name) {
        return root.resolve(name.folder()).resolve("refs").resolve(name.revision());
    }
}
