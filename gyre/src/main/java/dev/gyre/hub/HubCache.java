package dev.gyre.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * Hugging Face's cache on disk: {@code models--org--name} with blobs, refs and snapshots of links
 * to blobs.
 */
final class HubCache {
    private final Path root;
    private final String folder;

    HubCache(Path root, String repository) {
        this.root = root;
        this.folder = "models--" + repository.replace("/", "--");
    }

    Path blobs() {
        return root.resolve(folder).resolve("blobs");
    }

    Path lock() {
        return root.resolve(".locks").resolve(folder).resolve("gyre.lock");
    }

    Path snapshot(String commit) {
        return root.resolve(folder).resolve("snapshots").resolve(commit);
    }

    private Path ref(String revision) {
        return root.resolve(folder).resolve("refs").resolve(revision);
    }

    /** What is asked for, when every part of it is there. */
    Optional<Path> find(ModelName.Remote name) {
        return commit(name.revision()).map(this::snapshot).flatMap(s -> model(s, name.file()));
    }

    /**
     * The model in a snapshot: a file asked for by name, a complete folder, or the only .gguf file.
     */
    static Optional<Path> model(Path snapshot, String file) {
        if (!file.isEmpty()) return Optional.of(snapshot.resolve(file)).filter(Files::exists);
        if (!Files.isDirectory(snapshot)) return Optional.empty();
        if (ModelFolders.isComplete(snapshot)) return Optional.of(snapshot);
        if (Files.exists(snapshot.resolve("config.json"))) return Optional.empty();
        try (var files = Files.list(snapshot)) {
            var ggufs = files.filter(ModelFolders::isGguf).filter(Files::exists).toList();
            return ggufs.size() == 1 ? Optional.of(ggufs.getFirst()) : Optional.empty();
        } catch (IOException e) {
            throw HubErrors.unreadable(snapshot, e);
        }
    }

    private Optional<String> commit(String revision) {
        if (Files.isDirectory(snapshot(revision))) return Optional.of(revision);
        Path ref = ref(revision);
        if (!Files.isRegularFile(ref)) return Optional.empty();
        try {
            return Optional.of(Files.readString(ref).strip())
                    .filter(c -> c.matches("[0-9A-Za-z]+"));
        } catch (IOException e) {
            throw HubErrors.unreadable(ref, e);
        }
    }

    /**
     * Shows a blob under its name in a snapshot; a link where the file system has them, else the
     * file itself.
     */
    void show(Path blob, String commit, String name) {
        Path place = snapshot(commit).resolve(name);
        try {
            Files.createDirectories(snapshot(commit));
            if (Files.exists(place)) return;
            Files.deleteIfExists(place); // a link whose blob is gone
            try {
                Files.createSymbolicLink(place, snapshot(commit).relativize(blob));
            } catch (UnsupportedOperationException e) {
                Files.move(blob, place);
            }
        } catch (IOException e) {
            throw HubErrors.unwritable(place, e);
        }
    }

    void remember(String revision, String commit) {
        if (revision.equals(commit)) return;
        Path ref = ref(revision);
        try {
            Files.createDirectories(ref.getParent());
            Path temporary = Files.createTempFile(ref.getParent(), ".ref", "");
            Files.writeString(temporary, commit);
            Files.move(
                    temporary,
                    ref,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw HubErrors.unwritable(ref, e);
        }
    }
}
